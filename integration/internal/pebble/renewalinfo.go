package pebble

import (
	"crypto/x509"
	"encoding/json"
	"math/big"
	"time"

	"github.com/letsencrypt/pebble/v2/core"
)

// SuggestRenewal sets the ARI window (RFC 9773) of a certificate.
func (p *Pebble) SuggestRenewal(leaf *x509.Certificate, start, end time.Time) {
	p.t.Helper()
	window := map[string]any{"suggestedWindow": map[string]string{
		"start": start.UTC().Format(time.RFC3339), "end": end.UTC().Format(time.RFC3339),
	}}
	body, err := json.Marshal(window)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.db.SetARIResponse(leaf.SerialNumber, string(body)); err != nil {
		p.t.Fatalf("pebble: %v", err)
	}
}

// Issued returns the certificate of this serial number, or nil.
func (p *Pebble) Issued(serial *big.Int) *x509.Certificate {
	if issued := p.db.GetCertificateBySerial(serial); issued != nil {
		return issued.Cert
	}
	return nil
}

// Revoke marks a certificate as revoked at the CA, as its owner's request would: its ARI
// window is then in the past. What a responder says is the responder's affair.
func (p *Pebble) Revoke(leaf *x509.Certificate) {
	p.t.Helper()
	issued := p.db.GetCertificateBySerial(leaf.SerialNumber)
	if issued == nil {
		p.t.Fatalf("pebble: no certificate with serial %x", leaf.SerialNumber)
	}
	p.db.RevokeCertificate(&core.RevokedCertificate{Certificate: issued, RevokedAt: time.Now()})
}
