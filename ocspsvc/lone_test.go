package ocspsvc_test

import (
	"bytes"
	"crypto"
	"math/big"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

func TestALoneCertIDIsTakenAsItIs(t *testing.T) {
	ca := ocsptest.NewCA(t)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		for _, serial := range []*big.Int{big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 158)} {
			leaf := ca.Leaf(t)
			leaf.Cert.SerialNumber = serial
			id, err := ocspsvc.NewCertID(leaf.Cert, ca.Cert, hash)
			if err != nil {
				t.Fatal(err)
			}
			der := marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}})
			if got := ocspsvc.LoneCertID(der); !bytes.Equal(got, id.Raw) {
				t.Errorf("%s, serial of %d bits: %x, want %x", hash, serial.BitLen(), got, id.Raw)
			}
			for name, other := range map[string][]byte{
				"a nonce":       marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: make([]byte, 16)}),
				"two CertIDs":   marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id, id}}),
				"one octet on":  append(bytes.Clone(der), 0),
				"one octet off": der[:len(der)-1],
				"nothing":       nil,
			} {
				if got := ocspsvc.LoneCertID(other); got != nil {
					t.Errorf("%s: %x", name, got)
				}
			}
		}
	}
}

// What it takes, ParseRequest reads as the same.
func FuzzLoneCertID(f *testing.F) {
	f.Add([]byte{0x30, 0x08, 0x30, 0x06, 0x30, 0x04, 0x30, 0x02, 0x30, 0x00})
	f.Fuzz(func(t *testing.T, der []byte) {
		id := ocspsvc.LoneCertID(der)
		req, err := ocspsvc.ParseRequest(der)
		if id == nil || err != nil {
			return
		}
		if len(req.CertIDs) != 1 || len(req.Nonce) > 0 || req.Signed || !bytes.Equal(req.CertIDs[0].Raw, id) {
			t.Errorf("%x: took %x", der, id)
		}
	})
}
