package crl

import (
	"crypto"
	"crypto/rsa"
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var oidRSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}

// pssHashes are the hashes of RSA-PSS that prove something.
var pssHashes = map[string]crypto.Hash{
	"2.16.840.1.101.3.4.2.1": crypto.SHA256,
	"2.16.840.1.101.3.4.2.2": crypto.SHA384,
	"2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

var errAlgorithm = errors.New("unsupported signature algorithm")

// checkPSS verifies an RSA-PSS signature whose salt is not as long as its hash:
// `openssl ca` makes it as long as will fit, and crypto/x509 does not know that.
func (f *frame) checkPSS(key crypto.PublicKey) error {
	public, ok := key.(*rsa.PublicKey)
	hash := f.pssHash()
	if !ok || hash == 0 {
		return errAlgorithm
	}
	h := hash.New()
	h.Write(f.signed)
	return rsa.VerifyPSS(public, hash, h.Sum(nil), f.head.Signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto})
}

// pssHash is the hash that the list's RSASSA-PSS-params (RFC 4055 §3.1) name
// first; 0 if there is none. The mask's has to be the same, or the signature
// will not verify.
func (f *frame) pssHash() crypto.Hash {
	tbs, body, algorithm := cryptobyte.String(f.signed), cryptobyte.String(nil), cryptobyte.String(nil)
	var params, tagged, hash cryptobyte.String
	var oid asn1.ObjectIdentifier
	ok := tbs.ReadASN1(&body, cbasn1.SEQUENCE) && body.SkipOptionalASN1(cbasn1.INTEGER) && body.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.ReadASN1ObjectIdentifier(&oid) && oid.Equal(oidRSAPSS) && algorithm.ReadASN1(&params, cbasn1.SEQUENCE) &&
		params.ReadASN1(&tagged, explicit0) && tagged.ReadASN1(&hash, cbasn1.SEQUENCE) && hash.ReadASN1ObjectIdentifier(&oid)
	if !ok {
		return 0
	}
	return pssHashes[oid.String()]
}
