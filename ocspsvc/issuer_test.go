package ocspsvc_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os/exec"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

func TestIssuerIsFoundInAnyOrderByItsSignature(t *testing.T) {
	for _, kind := range ocsptest.KeyTypes() {
		ca := ocsptest.NewCA(t, ocsptest.Key(kind))
		twin, leaf := ca.Twin(t), ca.Leaf(t)
		stranger := ocsptest.NewCA(t)
		all := []*x509.Certificate{twin.Cert, nil, leaf.Cert, ca.Root.Cert, stranger.Cert, ca.Cert, stranger.Root.Cert}
		if got := ocspsvc.FindIssuer(leaf.Cert, all); got != ca.Cert {
			t.Errorf("%s: found %v", kind, got)
		}
		if got := ocspsvc.FindIssuer(ca.Cert, all); got != ca.Root.Cert {
			t.Errorf("%s: the intermediate's issuer is %v", kind, got)
		}
		if got := ocspsvc.FindIssuer(leaf.Cert, []*x509.Certificate{twin.Cert, leaf.Cert, ca.Root.Cert}); got != nil {
			t.Errorf("%s: found %v among others", kind, got.Subject)
		}
		if got := ocspsvc.FindIssuer(leaf.Cert, nil); got != nil {
			t.Errorf("%s: found %v among none", kind, got.Subject)
		}
	}
}

func TestNobodyButItselfIssuedASelfSignedCertificate(t *testing.T) {
	self := ocsptest.SelfSigned(t)
	root := ocsptest.NewRoot(t)
	for _, cert := range []*x509.Certificate{self.Cert, root.Cert} {
		if got := ocspsvc.FindIssuer(cert, []*x509.Certificate{self.Cert, root.Cert}); got != nil || !ocspsvc.SelfSigned(cert) {
			t.Errorf("issuer %v, self-signed %v", got, ocspsvc.SelfSigned(cert))
		}
	}
	if ca := ocsptest.NewCA(t); ocspsvc.SelfSigned(ca.Cert) || ocspsvc.SelfSigned(ca.Leaf(t).Cert) {
		t.Error("an issued certificate counts as self-signed")
	}
}

func TestTheSignatureDecidesWhenKeyIdentifiersDoNot(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	reissued := *ca.Cert // the same key under another identifier
	reissued.SubjectKeyId = []byte("other")
	bare := *ca.Cert
	bare.SubjectKeyId = nil
	for _, candidate := range []*x509.Certificate{&reissued, &bare} {
		if got := ocspsvc.FindIssuer(leaf.Cert, []*x509.Certificate{candidate}); got != candidate {
			t.Errorf("found %v", got)
		}
	}
	if got := ocspsvc.FindIssuer(leaf.Cert, []*x509.Certificate{&reissued, &bare, ca.Cert}); got != ca.Cert {
		t.Errorf("did not prefer the one with the right identifier")
	}
}

func TestOnlyCAsIssue(t *testing.T) {
	noCA := ocsptest.NewCA(t, ocsptest.Modify(func(c *x509.Certificate) { c.IsCA, c.MaxPathLen = false, -1 }))
	noSigning := ocsptest.NewCA(t, ocsptest.Modify(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }))
	for _, ca := range []*ocsptest.CA{noCA, noSigning} {
		if got := ocspsvc.FindIssuer(ca.Leaf(t).Cert, []*x509.Certificate{ca.Cert}); got != nil {
			t.Errorf("found %v", got.Subject)
		}
	}
}

func TestOldCertificatesSignedBySHA1HaveIssuersToo(t *testing.T) {
	dir, ca := t.TempDir(), ocsptest.NewCA(t, ocsptest.Key(ocsptest.RSA))
	issuer := ocsptest.WriteFile(t, dir, "ca.pem", ocsptest.CertPEM(ca.Cert))
	key := ocsptest.WriteFile(t, dir, "ca.key", ocsptest.KeyPEM(t, ca.Key, ocsptest.PKCS8))
	run := func(args ...string) []byte {
		out, err := exec.CommandContext(t.Context(), "openssl", args...).Output()
		if err != nil {
			t.Fatalf("openssl %v: %v", args, err)
		}
		return out
	}
	request := dir + "/leaf.csr"
	run("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", dir+"/leaf.key", "-subj", "/CN=old", "-out", request)
	block, _ := pem.Decode(run("x509", "-req", "-in", request, "-CA", issuer, "-CAkey", key, "-sha1", "-set_serial", "5"))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if leaf.SignatureAlgorithm != x509.SHA1WithRSA || ocspsvc.FindIssuer(leaf, []*x509.Certificate{ca.Cert}) != ca.Cert {
		t.Errorf("no issuer for a leaf signed by %v", leaf.SignatureAlgorithm)
	}
}

func TestLeavesSayWhetherTheyNeedAStaple(t *testing.T) {
	ca := ocsptest.NewCA(t)
	plain, must, none := ca.Leaf(t), ca.Leaf(t, ocsptest.MustStaple()), ca.Leaf(t, ocsptest.NoRevAvail())
	for name, test := range map[string]struct {
		leaf       *ocsptest.Leaf
		must, none bool
	}{"plain": {plain, false, false}, "must-staple": {must, true, false}, "noRevAvail": {none, false, true}} {
		if got := ocspsvc.HasMustStaple(test.leaf.Cert); got != test.must {
			t.Errorf("%s: must-staple = %v", name, got)
		}
		if got := ocspsvc.NoRevAvail(test.leaf.Cert); got != test.none {
			t.Errorf("%s: noRevAvail = %v", name, got)
		}
	}
}

func TestOnlyStatusRequestMeansMustStaple(t *testing.T) {
	oid := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	for _, test := range []struct {
		value []byte
		want  bool
	}{
		{[]byte{0x30, 3, 2, 1, 5}, true},
		{[]byte{0x30, 6, 2, 1, 17, 2, 1, 5}, true},
		{[]byte{0x30, 3, 2, 1, 17}, false}, // status_request_v2, which TLS 1.3 has not
		{[]byte{0x30, 0}, false},
		{[]byte{0x30, 3, 4, 1, 5}, false},
		{[]byte{0x30, 3, 2, 1, 5, 0}, false},
		{[]byte{5, 0}, false},
		{nil, false},
	} {
		cert := &x509.Certificate{Extensions: extensions(oid, test.value)}
		if got := ocspsvc.HasMustStaple(cert); got != test.want {
			t.Errorf("% x: %v, want %v", test.value, got, test.want)
		}
	}
}
