package issuing

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// client speaks ACME with a CA for an account.
type client struct {
	acme *certmagic.ACMEIssuer // never places an order itself, only copies of it do
	http *http.Client          // for the directory alone
}

// client is made once for a CA and account: certmagic's has connections of its own that nobody
// could close. It comes with the CA's directory, or not at all.
func (i *Issuing) client(ctx context.Context, c IssuerConfig) (*certmagic.ACMEIssuer, error) {
	made, err := i.clientFor(c)
	if err != nil {
		return nil, err
	}
	return made.acme, learnDirectory(ctx, made.http, c.CA)
}

func (i *Issuing) clientFor(c IssuerConfig) (client, error) {
	roots, sum, err := readRoots(c.Roots)
	if err != nil {
		return client{}, err
	}
	identity := fmt.Sprintf("%q %q %x", c.CA, c.Email, sum)
	if c.EAB != nil {
		identity += fmt.Sprintf(" %q %q", c.EAB.KeyID, string(c.EAB.HMAC))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	made, there := i.clients[identity]
	if !there {
		made = client{acme: i.newIssuer(c, roots), http: newHTTPClient(roots)}
		i.clients[identity] = made
	}
	return made, nil
}

// newHTTPClient keeps no connection: a directory is fetched twice a day.
func newHTTPClient(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:             http.ProxyFromEnvironment, // as certmagic does
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
		DisableKeepAlives: true,
	}}
}

func (i *Issuing) newIssuer(c IssuerConfig, roots *x509.CertPool) *certmagic.ACMEIssuer {
	template := certmagic.ACMEIssuer{
		CA:             c.CA,
		Email:          c.Email,
		Agreed:         true, // to run a server that gets certificates is to agree
		TrustedRoots:   roots,
		NewAccountFunc: i.keepAccountKey(c),
		Logger:         i.zap,
	}
	if c.EAB != nil {
		template.ExternalAccount = &acme.EAB{KeyID: c.EAB.KeyID, MACKey: string(c.EAB.HMAC)}
	}
	theirs := &certmagic.Config{Storage: adaptor{i.storage, c.key()}, Logger: i.zap} // no cache
	return certmagic.NewACMEIssuer(theirs, template)
}

// readRoots returns nil for no files: the system's roots. Files are read again for every
// attempt, so a root that was replaced counts without a reload.
func readRoots(files []string) (*x509.CertPool, []byte, error) {
	if len(files) == 0 {
		return nil, nil, nil
	}
	pool, sum := x509.NewCertPool(), sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the root of a CA: %w", err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, nil, fmt.Errorf("reading the root of a CA: %s holds no certificate", file)
		}
		sum.Write(text)
	}
	return pool, sum.Sum(nil), nil
}

// order asks one ACME CA for a certificate.
func (i *Issuing) order(ctx context.Context, p Policy, c IssuerConfig, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	ctx, dealings := withDealings(ctx)
	shared, err := i.client(ctx, c)
	if err != nil {
		return nil, err
	}
	own := *shared
	done, err := i.equip(&own, p)
	if err != nil {
		return nil, err
	}
	defer done()
	// Without an e-mail there is nothing to check, and certmagic would take another CA's.
	if c.Email != "" {
		if err := own.PreCheck(ctx, csr.DNSNames, false); err != nil {
			return nil, dealings.explain(err)
		}
	}
	issued, err := own.Issue(ctx, csr)
	if err != nil && err.Error() == forgotten {
		issued, err = own.Issue(ctx, csr)
	}
	return issued, dealings.explain(err)
}

// forgotten is what certmagic says when the CA did not know its account any more: it has
// registered another one, and then placed the order by the old one again.
const forgotten = "no certificate chains"
