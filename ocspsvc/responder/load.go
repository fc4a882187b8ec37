package responder

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"dwaar/ocspsvc/pemfile"
)

// Load reads the files that c names and finds out which signer is whose. Its
// error names every file that is wrong.
func (c Config) Load() (Keys, error) {
	var keys Keys
	signers, wrong := c.loadSigners()
	for _, file := range c.Issuers {
		issuers, err := pemfile.Certificates(file)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("issuer: %w", err))
			continue
		}
		for _, issuer := range issuers {
			authority, err := authorise(issuer, signers)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("issuer %s: %w", file, err))
			}
			keys.Authorities = append(keys.Authorities, authority)
		}
	}
	for _, s := range signers {
		if !s.taken {
			wrong = append(wrong, fmt.Errorf("signer %s: %s is none of the issuers, and none of them issued it", s.file, s.cert.Subject))
		}
	}
	var err error
	if keys.Requesters, err = loadPool(c.Requesters); err != nil {
		wrong = append(wrong, fmt.Errorf("requesters: %w", err))
	}
	return keys, errors.Join(wrong...)
}

// loaded is a pair in memory.
type loaded struct {
	file  string
	cert  *x509.Certificate
	key   crypto.Signer
	taken bool // by an issuer
}

func (c Config) loadSigners() (signers []*loaded, wrong []error) {
	for _, pair := range c.Signers {
		cert, err := pemfile.Read(pair.Certificate)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("signer: %w", err))
			continue
		}
		key, err := pemfile.Read(pair.Key)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("signer: %w", err))
			continue
		}
		both, err := tls.X509KeyPair(cert, key)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("signer %s with key %s: %w", pair.Certificate, pair.Key, err))
			continue
		}
		signers = append(signers, &loaded{file: pair.Certificate, cert: both.Leaf, key: both.PrivateKey.(crypto.Signer)})
	}
	return signers, wrong
}

// authorise finds the one signer of an issuer: the issuer itself, by whichever
// of its certificates, or what it issued. A CA that is issued by another one
// here is not its delegate.
func authorise(issuer *x509.Certificate, signers []*loaded) (Authority, error) {
	var own []*loaded
	for _, s := range signers {
		itself := bytes.Equal(s.cert.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo) && bytes.Equal(s.cert.RawSubject, issuer.RawSubject)
		if itself || !s.cert.IsCA && s.cert.CheckSignatureFrom(issuer) == nil {
			s.taken = true
			own = append(own, s)
		}
	}
	switch len(own) {
	case 0:
		return Authority{}, fmt.Errorf("no signer is %s or was issued by it", issuer.Subject)
	case 1:
		return Authority{Issuer: issuer, Signer: own[0].cert, Key: own[0].key}, nil
	}
	return Authority{}, fmt.Errorf("both %s and %s are its signers; name one", own[0].file, own[1].file)
}

func loadPool(files []string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	pool, wrong := x509.NewCertPool(), []error(nil)
	for _, file := range files {
		certs, err := pemfile.Certificates(file)
		wrong = append(wrong, err)
		for _, cert := range certs {
			pool.AddCert(cert)
		}
	}
	return pool, errors.Join(wrong...)
}
