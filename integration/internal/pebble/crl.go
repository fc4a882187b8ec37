package pebble

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"

	"dwaar/integration/internal/pki"
)

// certificates is where Pebble's are fetched from.
const certificates = "/certZ/"

// certifyForCRLs gives Pebble's intermediate, whose key may not sign CRLs, another
// certificate of its root that lets it.
func (p *Pebble) certifyForCRLs() *pki.Authority {
	root := &pki.Authority{Cert: p.ca.GetRootCert(0).Cert, Key: p.ca.GetRootKey(0)}
	key, template := p.ca.GetIntermediateKey(0), *p.ca.GetIntermediateCert(0).Cert
	template.KeyUsage |= x509.KeyUsageCRLSign
	return &pki.Authority{Cert: p.sign(&template, root, key.Public()), Key: key, Parent: root}
}

// serveWithCRL is how Pebble would serve its certificates if it had CRLs: the leaf it has
// issued is signed again, by the same key, with the URL of one.
func (p *Pebble) serveWithCRL(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	p.front.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	if block, _ := pem.Decode(body); answer.Code == http.StatusOK && block != nil {
		body = p.withCRL(block.Bytes)
	}
	for key, values := range answer.Header() {
		if key != "Content-Length" {
			w.Header()[key] = values
		}
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}

func (p *Pebble) withCRL(issued []byte) []byte {
	leaf, err := x509.ParseCertificate(issued)
	if err != nil {
		p.t.Errorf("pebble: %v", err)
		return nil
	}
	leaf.CRLDistributionPoints = []string{p.crl}
	return pki.CertPEM(p.sign(leaf, p.issuer, leaf.PublicKey).Raw, p.issuer.Cert.Raw)
}

func (p *Pebble) sign(template *x509.Certificate, by *pki.Authority, public any) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, by.Cert, public, by.Key)
	if err != nil {
		p.t.Errorf("pebble: %v", err)
		return template
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		p.t.Errorf("pebble: %v", err)
		return template
	}
	return cert
}

// servesWithCRL reports whether the answer to r is a certificate that names a CRL.
func (p *Pebble) servesWithCRL(r *http.Request) bool {
	return p.crl != "" && strings.HasPrefix(r.URL.Path, certificates)
}
