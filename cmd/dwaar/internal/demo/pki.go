package demo

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Files of the demo's PKI in its directory.
const (
	rootFile         = "root.pem"
	intermediateFile = "intermediate.pem"
	intermediateKey  = "intermediate.key"
	signerFile       = "ocsp-signer.pem"
	signerKey        = "ocsp-signer.key"
	chainFile        = "localhost.pem"
	chainKey         = "localhost.key"
)

// pki is root → intermediate → leaf, and the intermediate's OCSP signer. The
// root's key is thrown away when it has signed the intermediate.
type pki struct {
	root                       *x509.Certificate
	intermediate, signer, leaf *keyPair
}

// preparePKI reuses what is in dir and makes what is missing, expired, or names
// another responder. It says what it made.
func preparePKI(dir, responderURL string) (p *pki, made []string, err error) {
	p = &pki{}
	if err := p.loadCAs(dir); err != nil {
		if err := p.makeCAs(dir); err != nil {
			return nil, nil, err
		}
		made = append(made, "a root and an intermediate CA")
	}
	if p.signer, err = p.load(dir, signerFile, signerKey, x509.ExtKeyUsageOCSPSigning); err != nil {
		if err := p.makeSigner(dir); err != nil {
			return nil, nil, err
		}
		made = append(made, "an OCSP signer")
	}
	p.leaf, err = p.load(dir, chainFile, chainKey, x509.ExtKeyUsageServerAuth)
	if err != nil || !slices.Equal(p.leaf.cert.OCSPServer, []string{responderURL}) {
		if err := p.makeLeaf(dir, responderURL); err != nil {
			return nil, nil, err
		}
		made = append(made, "a certificate for localhost")
	}
	return p, made, nil
}

func (p *pki) loadCAs(dir string) error {
	roots, err := readCertificates(dir, rootFile)
	if err != nil {
		return err
	}
	p.root = roots[0]
	if err := p.root.CheckSignatureFrom(p.root); err != nil {
		return err
	}
	p.intermediate, err = readPair(dir, intermediateFile, intermediateKey)
	if err != nil {
		return err
	}
	return errors.Join(p.intermediate.cert.CheckSignatureFrom(p.root), lasting(p.root), lasting(p.intermediate.cert))
}

func (p *pki) makeCAs(dir string) error {
	root, err := newRoot()
	if err != nil {
		return err
	}
	p.root = root.cert
	if p.intermediate, err = newIntermediate(root); err != nil {
		return err
	}
	return errors.Join(
		writeCertificates(dir, rootFile, p.root),
		writePair(dir, intermediateFile, intermediateKey, p.intermediate),
	)
}

func (p *pki) makeSigner(dir string) (err error) {
	if p.signer, err = newSigner(p.intermediate); err != nil {
		return err
	}
	return writePair(dir, signerFile, signerKey, p.signer)
}

func (p *pki) makeLeaf(dir, responderURL string) (err error) {
	if p.leaf, err = newLeaf(p.intermediate, responderURL); err != nil {
		return err
	}
	return writePair(dir, chainFile, chainKey, p.leaf, p.intermediate.cert)
}

// load reads a pair that the intermediate issued for this use.
func (p *pki) load(dir, certFile, keyFile string, use x509.ExtKeyUsage) (*keyPair, error) {
	pair, err := readPair(dir, certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(pair.cert.ExtKeyUsage, use) {
		return nil, fmt.Errorf("%s is for another use", certFile)
	}
	return pair, errors.Join(pair.cert.CheckSignatureFrom(p.intermediate.cert), lasting(pair.cert))
}

// lasting is nil if cert is valid for a while yet.
func lasting(cert *x509.Certificate) error {
	if now := time.Now(); now.Before(cert.NotBefore) || cert.NotAfter.Sub(now) < renewBefore {
		return errors.New(cert.Subject.CommonName + " has expired or soon will")
	}
	return nil
}
