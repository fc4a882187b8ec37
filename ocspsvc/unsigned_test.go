package ocspsvc_test

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// The algorithm of a response is not signed. Whoever is between dwaar and the
// responder can change it, and clients refuse the staple that this makes: some
// of them end the handshake.
func TestAChangedAlgorithmIsNotOverlooked(t *testing.T) { // C2
	sha256 := tlv(6, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1})
	ecdsa, ed := tlv(6, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}), tlv(6, []byte{0x2b, 0x65, 0x70})
	null, octets := tlv(5), tlv(4)
	for name, test := range map[string]struct {
		key       ocsptest.KeyType
		algorithm x509.SignatureAlgorithm
		old, new  []byte // of the algorithm, of the same length
		swap      bool   // new is longer: the response is put together again
	}{
		"a salt of no octets":         {key: ocsptest.RSA, algorithm: x509.SHA256WithRSAPSS, old: tlv(0xa2, tlv(2, []byte{32})), new: tlv(0xa2, tlv(2, []byte{0}))},
		"a salt of another length":    {key: ocsptest.RSA, algorithm: x509.SHA256WithRSAPSS, old: tlv(0xa2, tlv(2, []byte{32})), new: tlv(0xa2, tlv(2, []byte{31}))},
		"PSS hash with octets":        {key: ocsptest.RSA, algorithm: x509.SHA256WithRSAPSS, old: seq(sha256, null), new: seq(sha256, octets)},
		"NULL for ECDSA":              {key: ocsptest.P256, old: seq(ecdsa), new: seq(ecdsa, null), swap: true},
		"NULL for Ed25519":            {key: ocsptest.Ed25519, old: seq(ed), new: seq(ed, null), swap: true},
		"an OCTET STRING for Ed25519": {key: ocsptest.Ed25519, old: seq(ed), new: seq(ed, octets), swap: true},
	} {
		t.Run(name, func(t *testing.T) {
			ca := ocsptest.NewCA(t, ocsptest.Key(test.key))
			leaf := ca.Leaf(t)
			response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, Algorithm: test.algorithm})
			der := bytes.Replace(response.Raw, test.old, test.new, 1)
			if test.swap {
				basic := seq(response.RawTBS, test.new, tlv(3, append([]byte{0}, response.Signature...)))
				der = seq(tlv(10, []byte{0}), tlv(0xa0, seq(tlv(6, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1}), tlv(4, basic))))
			}
			if bytes.Equal(der, response.Raw) {
				t.Fatal("nothing was changed")
			}
			changed, err := ocspsvc.ParseResponse(der)
			if err != nil {
				t.Fatal(err)
			}
			verdict, err := ocspsvc.Verify(changed, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
			if verdict.Reason != ocspsvc.ReasonBadSignature {
				t.Errorf("%s (%v), want bad_signature", verdict.Reason, err)
			}
		})
	}
}
