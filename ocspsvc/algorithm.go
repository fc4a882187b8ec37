package ocspsvc

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidRSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	asn1NULL  = []byte{0x05, 0x00}
)

// scheme is one way to sign a response. SHA-1 and MD5 are known by name only:
// a collision made with them turns one CA's signature into another answer, so
// no response signed by them is believed (browsers do not either).
type scheme struct {
	algorithm x509.SignatureAlgorithm
	oid       asn1.ObjectIdentifier
	hash      crypto.Hash
	key       x509.PublicKeyAlgorithm
}

var schemes = []scheme{
	{x509.SHA256WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, crypto.SHA256, x509.RSA},
	{x509.SHA384WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, crypto.SHA384, x509.RSA},
	{x509.SHA512WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, crypto.SHA512, x509.RSA},
	{x509.SHA256WithRSAPSS, oidRSAPSS, crypto.SHA256, x509.RSA},
	{x509.SHA384WithRSAPSS, oidRSAPSS, crypto.SHA384, x509.RSA},
	{x509.SHA512WithRSAPSS, oidRSAPSS, crypto.SHA512, x509.RSA},
	{x509.ECDSAWithSHA256, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, crypto.SHA256, x509.ECDSA},
	{x509.ECDSAWithSHA384, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, crypto.SHA384, x509.ECDSA},
	{x509.ECDSAWithSHA512, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, crypto.SHA512, x509.ECDSA},
	{x509.PureEd25519, asn1.ObjectIdentifier{1, 3, 101, 112}, 0, x509.Ed25519},
	{x509.MD5WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 4}, crypto.MD5, x509.RSA},
	{x509.SHA1WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}, crypto.SHA1, x509.RSA},
	{x509.ECDSAWithSHA1, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}, crypto.SHA1, x509.ECDSA},
}

// signatureAlgorithm names the algorithm, and for RSA-PSS the length of its
// salt. It is x509.UnknownSignatureAlgorithm for what is not supported. The
// parameters are not signed, so they are as the RFCs have them: NULL or absent
// for RSA (RFC 4055 §5), absent for others (RFC 5758 §3.2, RFC 8410 §3).
// Clients refuse what somebody on the way has changed in them, and some end
// the handshake.
func signatureAlgorithm(oid asn1.ObjectIdentifier, params cryptobyte.String) (x509.SignatureAlgorithm, int) {
	if oid.Equal(oidRSAPSS) {
		return pssAlgorithm(params)
	}
	for _, s := range schemes {
		if s.oid.Equal(oid) && (params.Empty() || s.key == x509.RSA && noParams(params)) {
			return s.algorithm, 0
		}
	}
	return x509.UnknownSignatureAlgorithm, 0
}

func noParams(params cryptobyte.String) bool { return params.Empty() || bytes.Equal(params, asn1NULL) }

// pssAlgorithm reads RSASSA-PSS-params (RFC 4055 §3.1). Both hashes have to be
// the same SHA-2; the salt, unlike in x509, may have any length but 0, which
// crypto/rsa takes for any.
func pssAlgorithm(params cryptobyte.String) (x509.SignatureAlgorithm, int) {
	var body, hash, mask, mgfParams, hashParams, mgfHashParams cryptobyte.String
	var hashID, mgfID, mgfHashID asn1.ObjectIdentifier
	var saltLength int
	ok := params.ReadASN1(&body, cbasn1.SEQUENCE) && params.Empty() &&
		body.ReadASN1(&hash, explicit(0)) && readAlgorithm(&hash, &hashID, &hashParams) && hash.Empty() && noParams(hashParams) &&
		body.ReadASN1(&mask, explicit(1)) && readAlgorithm(&mask, &mgfID, &mgfParams) && mask.Empty() && mgfID.Equal(oidMGF1) &&
		readAlgorithm(&mgfParams, &mgfHashID, &mgfHashParams) && mgfParams.Empty() && noParams(mgfHashParams) && mgfHashID.Equal(hashID) &&
		body.ReadOptionalASN1Integer(&saltLength, explicit(2), 20) && saltLength > 0 && readTrailer(&body)
	if !ok {
		return x509.UnknownSignatureAlgorithm, 0
	}
	for _, s := range schemes {
		if s.oid.Equal(oidRSAPSS) && s.hash == hashByOID(hashID) {
			return s.algorithm, saltLength
		}
	}
	return x509.UnknownSignatureAlgorithm, 0
}

// readTrailer reads [3] EXPLICIT INTEGER DEFAULT 1, which ends the parameters.
func readTrailer(s *cryptobyte.String) bool {
	trailer := 1
	return s.ReadOptionalASN1Integer(&trailer, explicit(3), 1) && trailer == 1 && s.Empty()
}

// addAlgorithm writes the AlgorithmIdentifier of s.
func (s scheme) addAlgorithm(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(s.oid)
		switch {
		case s.isPSS():
			s.addPSSParams(b)
		case s.key == x509.RSA:
			b.AddASN1NULL()
		}
	})
}

func (s scheme) addPSSParams(b *cryptobyte.Builder) {
	hash := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(hashOID(s.hash)); b.AddASN1NULL() })
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(0), hash)
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidMGF1); hash(b) })
		})
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(s.hash.Size())) })
	})
}

func (s scheme) isPSS() bool { return s.oid.Equal(oidRSAPSS) }

// schemeFor returns the scheme to sign with: the wanted one, or for zero one
// that fits the key.
func schemeFor(wanted x509.SignatureAlgorithm, key crypto.PublicKey) (scheme, error) {
	kind, usual := usualAlgorithm(key)
	if wanted == x509.UnknownSignatureAlgorithm {
		wanted = usual
	}
	for _, s := range schemes {
		if s.algorithm == wanted && s.key == kind && s.hash != crypto.MD5 {
			return s, nil
		}
	}
	return scheme{}, fmt.Errorf("cannot sign by %v with a key of type %T", wanted, key)
}

func usualAlgorithm(key crypto.PublicKey) (x509.PublicKeyAlgorithm, x509.SignatureAlgorithm) {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return x509.RSA, x509.SHA256WithRSA
	case ed25519.PublicKey:
		return x509.Ed25519, x509.PureEd25519
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P384():
			return x509.ECDSA, x509.ECDSAWithSHA384
		case elliptic.P521():
			return x509.ECDSA, x509.ECDSAWithSHA512
		}
		return x509.ECDSA, x509.ECDSAWithSHA256
	}
	return x509.UnknownPublicKeyAlgorithm, x509.UnknownSignatureAlgorithm
}

// checkSignature returns nil if cert's key made the response's signature.
func (r *Response) checkSignature(cert *x509.Certificate) error {
	return checkSignature(cert, r.SignatureAlgorithm, r.SignatureOID, r.saltLength, r.RawTBS, r.Signature)
}

// checkSignature returns nil if cert's key signed tbs.
func checkSignature(cert *x509.Certificate, algorithm x509.SignatureAlgorithm, oid asn1.ObjectIdentifier, saltLength int, tbs, signature []byte) error {
	for _, s := range schemes {
		if s.algorithm != algorithm {
			continue
		}
		if s.hash == crypto.MD5 || s.hash == crypto.SHA1 {
			return fmt.Errorf("%v proves nothing any more", s.algorithm)
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && s.isPSS() {
			return rsa.VerifyPSS(key, s.hash, sum(s.hash, tbs), signature, &rsa.PSSOptions{SaltLength: saltLength})
		}
		return cert.CheckSignature(s.algorithm, tbs, signature)
	}
	return fmt.Errorf("unsupported signature algorithm %s", oid)
}
