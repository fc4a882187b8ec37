package ocspsvc_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"strings"
	"testing"

	xocsp "golang.org/x/crypto/ocsp"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

func hashes() []crypto.Hash {
	return []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512}
}

func newID(t testing.TB, leaf *ocsptest.Leaf, hash crypto.Hash) ocspsvc.CertID {
	t.Helper()
	id, err := ocspsvc.NewCertID(leaf.Cert, leaf.Issuer.Cert, hash)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestCertIDNamesOneCertificateOfOneIssuer(t *testing.T) {
	ca := ocsptest.NewCA(t)
	twin := ca.Twin(t)
	leaf, other := ca.Leaf(t, ocsptest.Serial(7)), ca.Leaf(t, ocsptest.Serial(8))
	foreign := twin.Leaf(t, ocsptest.Serial(7))
	for _, hash := range hashes() {
		id := newID(t, leaf, hash)
		if !id.Matches(leaf.Cert, ca.Cert) || !id.MatchesIssuer(ca.Cert) {
			t.Errorf("%v: the CertID does not match its own certificate", hash)
		}
		if id.Matches(other.Cert, ca.Cert) {
			t.Errorf("%v: the CertID matches another serial", hash)
		}
		if id.Matches(foreign.Cert, twin.Cert) || id.MatchesIssuer(twin.Cert) {
			t.Errorf("%v: the CertID matches the same serial of another issuer with the same name", hash)
		}
		if id.MatchesIssuer(ca.Root.Cert) {
			t.Errorf("%v: the CertID matches the root", hash)
		}
		if !id.Equal(newID(t, leaf, hash)) || id.Equal(newID(t, other, hash)) || id.Equal(newID(t, foreign, hash)) || id.Equal(ocspsvc.CertID{}) {
			t.Errorf("%v: Equal is wrong", hash)
		}
	}
	if newID(t, leaf, crypto.SHA1).Equal(newID(t, leaf, crypto.SHA256)) {
		t.Error("CertIDs by different hashes are equal")
	}
	if (ocspsvc.CertID{}).Matches(leaf.Cert, ca.Cert) || (ocspsvc.CertID{}).MatchesIssuer(ca.Cert) {
		t.Error("an empty CertID matches")
	}
}

func TestCertIDKnowsTheNameAndNotOnlyTheKey(t *testing.T) {
	ca := ocsptest.NewRoot(t)
	alias := ocsptest.NewRoot(t, ocsptest.WithKey(ca.Key), ocsptest.Name("alias"))
	id, leaf := newID(t, ca.Leaf(t, ocsptest.Serial(7)), crypto.SHA256), alias.Leaf(t, ocsptest.Serial(7))
	if id.Matches(leaf.Cert, alias.Cert) || id.MatchesIssuer(alias.Cert) {
		t.Error("the CertID matches another CA with the same key")
	}
}

func TestCertIDIsEncodedAsByOthers(t *testing.T) {
	ca := ocsptest.NewCA(t, ocsptest.Key(ocsptest.RSA))
	leaf := ca.Leaf(t)
	for _, hash := range hashes() {
		theirs, err := xocsp.CreateRequest(leaf.Cert, ca.Cert, &xocsp.RequestOptions{Hash: hash})
		if err != nil {
			t.Fatal(err)
		}
		ours, err := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{newID(t, leaf, hash)}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Errorf("%v: request\n% x, want\n% x", hash, ours, theirs)
		}
	}
}

func TestNewCertIDRefusesWhatItCannotName(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	for _, test := range []struct {
		leaf, issuer *x509.Certificate
		hash         crypto.Hash
		want         string
	}{
		{leaf.Cert, ca.Cert, crypto.MD5, "is not one of SHA-1, SHA-256, SHA-384 and SHA-512"},
		{leaf.Cert, ca.Cert, 0, "is not one of SHA-1, SHA-256, SHA-384 and SHA-512"},
		{&x509.Certificate{}, ca.Cert, crypto.SHA1, "no issuer or serial"},
		{leaf.Cert, &x509.Certificate{}, crypto.SHA1, "no readable public key"},
	} {
		if _, err := ocspsvc.NewCertID(test.leaf, test.issuer, test.hash); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error = %v, want one with %q", err, test.want)
		}
	}
}
