package issuing

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// client is the ACME client of a CA and account. It is made once: each has connections of
// its own that nobody could close. It is never used to place an order itself, only copied.
func (i *Issuing) client(c IssuerConfig) (*certmagic.ACMEIssuer, error) {
	roots, sum, err := readRoots(c.Roots)
	if err != nil {
		return nil, err
	}
	identity := fmt.Sprintf("%q %q %x", c.CA, c.Email, sum)
	if c.EAB != nil {
		identity += fmt.Sprintf(" %q %q", c.EAB.KeyID, string(c.EAB.HMAC))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.clients[identity] == nil {
		i.clients[identity] = i.newClient(c, roots)
	}
	return i.clients[identity], nil
}

func (i *Issuing) newClient(c IssuerConfig, roots *x509.CertPool) *certmagic.ACMEIssuer {
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
	shared, err := i.client(c)
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
			return nil, err
		}
	}
	issued, err := own.Issue(ctx, csr)
	if err != nil && err.Error() == forgotten {
		issued, err = own.Issue(ctx, csr)
	}
	return issued, err
}

// forgotten is what certmagic says when the CA did not know its account any more: it has
// registered another one, and then placed the order by the old one again.
const forgotten = "no certificate chains"
