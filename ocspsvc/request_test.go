package ocspsvc_test

import (
	"bytes"
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	xocsp "golang.org/x/crypto/ocsp"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

func marshal(t testing.TB, req *ocspsvc.Request) []byte {
	t.Helper()
	der, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestRequestsSurviveTheWire(t *testing.T) {
	leaf := ocsptest.NewCA(t).Leaf(t)
	other := ocsptest.NewCA(t).Leaf(t)
	extension := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}
	types := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 4}, Critical: true, Value: []byte{0x30, 0}}
	for name, req := range map[string]*ocspsvc.Request{
		"one":        {CertIDs: []ocspsvc.CertID{newID(t, leaf, crypto.SHA1)}},
		"several":    {CertIDs: []ocspsvc.CertID{newID(t, leaf, crypto.SHA512), newID(t, other, crypto.SHA1), newID(t, leaf, crypto.SHA384)}},
		"nonce":      {CertIDs: []ocspsvc.CertID{newID(t, leaf, crypto.SHA256)}, Nonce: bytes.Repeat([]byte{1}, 32)},
		"long nonce": {CertIDs: []ocspsvc.CertID{newID(t, leaf, crypto.SHA256)}, Nonce: bytes.Repeat([]byte{1}, 128)},
		"extensions": {CertIDs: []ocspsvc.CertID{newID(t, leaf, crypto.SHA1)}, Nonce: []byte{1}, Extensions: []pkix.Extension{extension, types}},
	} {
		got, err := ocspsvc.ParseRequest(marshal(t, req))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, req) {
			t.Errorf("%s: got %+v, want %+v", name, got, req)
		}
	}
}

func TestOthersReadOurRequests(t *testing.T) {
	leaf := ocsptest.NewCA(t).Leaf(t)
	for _, hash := range hashes() {
		id := newID(t, leaf, hash)
		theirs, err := xocsp.ParseRequest(marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}))
		if err != nil {
			t.Fatal(err)
		}
		if theirs.HashAlgorithm != hash || theirs.SerialNumber.Cmp(id.Serial) != 0 ||
			!bytes.Equal(theirs.IssuerNameHash, id.NameHash) || !bytes.Equal(theirs.IssuerKeyHash, id.KeyHash) {
			t.Errorf("%v: x/crypto/ocsp reads %+v from %+v", hash, theirs, id)
		}
	}
}

func TestSignedRequestsOfOpenSSLAreRead(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, dir := ca.Leaf(t), t.TempDir()
	cert, key := leaf.Write(t, dir, "leaf")
	issuer := ocsptest.WriteFile(t, dir, "issuer.pem", ocsptest.CertPEM(ca.Cert))
	out, err := exec.CommandContext(t.Context(), "openssl", "ocsp", "-issuer", issuer, "-cert", cert, "-sha256", "-serial", "77",
		"-signer", cert, "-signkey", key, "-reqout", "/dev/stdout").Output()
	if err != nil {
		t.Fatalf("openssl: %v", err)
	}
	req, err := ocspsvc.ParseRequest(out)
	if err != nil {
		t.Fatal(err)
	}
	if !req.Signed || len(req.CertIDs) != 2 || len(req.Nonce) < 16 || req.CertIDs[0].Hash != crypto.SHA1 ||
		req.CertIDs[1].Hash != crypto.SHA256 || req.CertIDs[1].Serial.Cmp(big.NewInt(77)) != 0 {
		t.Errorf("read %+v", req)
	}
}

func TestUnknownHashesNameNothing(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	id := newID(t, leaf, crypto.SHA256)
	id.Raw = bytes.Replace(id.Raw, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1}, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 8}, 1) // SHA3-256
	req, err := ocspsvc.ParseRequest(marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}))
	if err != nil {
		t.Fatal(err)
	}
	got := req.CertIDs[0]
	if got.Hash != 0 || got.Matches(leaf.Cert, ca.Cert) || got.Equal(got) || !bytes.Equal(got.Raw, id.Raw) {
		t.Errorf("read %+v", got)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	leaf := ocsptest.NewCA(t).Leaf(t)
	id := newID(t, leaf, crypto.SHA1)
	good := marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}})
	critical := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}
	nonce := func(value ...byte) []byte {
		extension := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Value: value}
		return marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Extensions: []pkix.Extension{extension}})
	}
	list, tbs := seq(seq(id.Raw)), func(parts ...[]byte) []byte { return seq(seq(parts...)) }
	long := id
	long.Raw, long.Serial = nil, new(big.Int).Lsh(big.NewInt(1), 8*64)
	many := make([]ocspsvc.CertID, 65)
	for i := range many {
		many[i] = id
	}
	for _, test := range []struct {
		name   string
		der    []byte
		reason ocspsvc.Reason
		want   string
	}{
		{"empty", nil, ocspsvc.ReasonMalformed, "not a DER encoded OCSP request"},
		{"garbage", []byte("garbage"), ocspsvc.ReasonMalformed, "not a DER encoded OCSP request"},
		{"trailing octet", append(bytes.Clone(good), 0), ocspsvc.ReasonMalformed, "not a DER encoded OCSP request"},
		{"truncated", good[:len(good)-1], ocspsvc.ReasonMalformed, "not a DER encoded OCSP request"},
		{"indefinite length", append([]byte{0x30, 0x80}, append(bytes.Clone(good[2:]), 0, 0)...), ocspsvc.ReasonMalformed, "not a DER encoded OCSP request"},
		{"signature without content", seq(seq(list), tlv(0xa0)), ocspsvc.ReasonMalformed, "not a DER encoded OCSP request"},
		{"version 2", tbs(tlv(0xa0, tlv(2, []byte{1})), list), ocspsvc.ReasonMalformed, "unsupported version"},
		{"no list", tbs(), ocspsvc.ReasonMalformed, "unreadable or unsupported version"},
		{"empty list", tbs(seq()), ocspsvc.ReasonMalformed, "asks for no certificate"},
		{"list of integers", tbs(seq(tlv(2, []byte{1}))), ocspsvc.ReasonMalformed, "unreadable entry 1"},
		{"no CertID", tbs(seq(seq())), ocspsvc.ReasonMalformed, "unreadable entry 1"},
		{"half a CertID", tbs(seq(seq(seq(seq(id.Raw[4:11]))))), ocspsvc.ReasonMalformed, "unreadable entry 1"},
		{"serial of 65 octets", marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id, long}}), ocspsvc.ReasonMalformed, "unreadable entry 2"},
		{"65 certificates", marshal(t, &ocspsvc.Request{CertIDs: many}), ocspsvc.ReasonTooLarge, "more than 64 certificates"},
		{"over 10 KiB", make([]byte, 10<<10+1), ocspsvc.ReasonTooLarge, "10241 octets"},
		{"critical extension", marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Extensions: []pkix.Extension{critical}}), ocspsvc.ReasonMalformed, "critical request extension 1.2.3"},
		{"critical single extension", tbs(seq(seq(id.Raw, tlv(0xa0, seq(seq(tlv(6, []byte{0x2a, 3}), tlv(1, []byte{0xff}), tlv(4))))))), ocspsvc.ReasonMalformed, "critical request extension 1.2.3"},
		{"extension twice", marshal(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: []byte{1}, Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}}}}), ocspsvc.ReasonMalformed, "unreadable extensions"},
		{"no extension", tbs(list, tlv(0xa2, seq())), ocspsvc.ReasonMalformed, "unreadable extensions"},
		{"empty nonce", nonce(4, 0), ocspsvc.ReasonMalformed, "1 to 128 octets"},
		{"bare nonce", nonce(1, 2, 3, 4), ocspsvc.ReasonMalformed, "1 to 128 octets"},
		{"nonce of 129 octets", nonce(tlv(4, make([]byte, 129))...), ocspsvc.ReasonMalformed, "1 to 128 octets"},
	} {
		req, err := ocspsvc.ParseRequest(test.der)
		if ocspsvc.ReasonOf(err) != test.reason || !strings.Contains(err.Error(), test.want) || req != nil {
			t.Errorf("%s: %v and error %v, want %s with %q", test.name, req, err, test.reason, test.want)
		}
	}
}

func TestRequestsThatMakeNoSenseAreNotSent(t *testing.T) {
	id := newID(t, ocsptest.NewCA(t).Leaf(t), crypto.SHA1)
	for want, req := range map[string]ocspsvc.Request{
		"no certificate to ask for":          {},
		"nonce of 129 octets":                {CertIDs: []ocspsvc.CertID{id}, Nonce: make([]byte, 129)},
		"one of the hashes SHA-1, SHA-256":   {CertIDs: []ocspsvc.CertID{{Hash: crypto.MD5, Serial: id.Serial}}},
		"SHA-384, SHA-512 and a serial":      {CertIDs: []ocspsvc.CertID{{Hash: crypto.SHA1}}},
		"making an OCSP request: a CertID n": {CertIDs: []ocspsvc.CertID{{}}},
	} {
		if _, err := req.Marshal(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one with %q", err, want)
		}
	}
}

// tlv and seq encode DER by hand, for what the package would not write.
func tlv(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	switch n := len(content); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	}
}

func seq(parts ...[]byte) []byte { return tlv(0x30, parts...) }
