package ocspsvc

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// statusRequest is the TLS extension that asks for a staple (RFC 6066 §8).
const statusRequest = 5

// HasMustStaple reports whether cert demands a staple in every handshake: a
// TLS feature extension that lists status_request (RFC 7633).
func HasMustStaple(cert *x509.Certificate) bool {
	feature := findExtension(cert.Extensions, oidTLSFeature)
	if feature == nil {
		return false
	}
	input, features := cryptobyte.String(feature.Value), cryptobyte.String(nil)
	if !input.ReadASN1(&features, cbasn1.SEQUENCE) || !input.Empty() {
		return false
	}
	for !features.Empty() {
		var number int64
		if !features.ReadASN1Integer(&number) {
			return false
		}
		if number == statusRequest {
			return true
		}
	}
	return false
}

// NoRevAvail reports whether cert says that its CA publishes no revocation
// information for it (RFC 9608), so that there is nothing to ask for.
func NoRevAvail(cert *x509.Certificate) bool {
	return findExtension(cert.Extensions, oidNoRevAvail) != nil
}

// SelfSigned reports whether cert is signed by its own key.
func SelfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawSubject, cert.RawIssuer) &&
		cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

func findExtension(extensions []pkix.Extension, oid asn1.ObjectIdentifier) *pkix.Extension {
	for i := range extensions {
		if extensions[i].Id.Equal(oid) {
			return &extensions[i]
		}
	}
	return nil
}
