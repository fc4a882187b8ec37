package ocspsvc_test

import (
	"crypto"
	"crypto/x509"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// Whoever has only the CertID believes exactly what he would with the leaf, but
// for what only the leaf's dates and key tell.
func TestACertIDIsVerifiedLikeItsLeaf(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	responder := ocsptest.NewResponder(t, ca)
	responder.UseLeaf(leaf)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		id := certID(t, leaf, hash)
		for _, fault := range ocsptest.Faults() {
			if fault.OverHTTP() {
				continue
			}
			responder.Set(fault)
			nonce := []byte("0123456789abcdef0123456789abcdef")
			response, err := responder.Respond(t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: nonce})
			if err != nil {
				continue // no response to judge
			}
			o := ocspsvc.VerifyOptions{MaxAge: 10 * day, Nonce: nonce}
			want := fault.Reason()
			if fault == ocsptest.ProducedTooEarly {
				want = ocspsvc.ReasonGood
			}
			if verdict, err := ocspsvc.VerifyID(response, id, ca.Cert, time.Now(), o); verdict.Reason != want || (err == nil) != verdict.Valid() {
				t.Errorf("%s, %s: reason = %q (%v), want %q", hash, fault, verdict.Reason, err, want)
			}
		}
	}
}

func TestACertIDIsVerifiedByItsOwnHashAndIssuer(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	responder := ocsptest.NewResponder(t, ca)
	sha1, sha256 := certID(t, leaf, crypto.SHA1), certID(t, leaf, crypto.SHA256)
	response, err := responder.Respond(t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{sha1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		id     ocspsvc.CertID
		issuer *x509.Certificate
		want   ocspsvc.Reason
	}{
		{"as asked", sha1, ca.Cert, ocspsvc.ReasonGood},
		{"by the other hash", sha256, ca.Cert, ocspsvc.ReasonWrongCertificate},
		{"of a twin", sha1, ca.Twin(t).Cert, ocspsvc.ReasonNoIssuer},
		{"of the root", sha1, ca.Root.Cert, ocspsvc.ReasonNoIssuer},
		{"without a serial", ocspsvc.CertID{Hash: crypto.SHA1, NameHash: sha1.NameHash, KeyHash: sha1.KeyHash}, ca.Cert, ocspsvc.ReasonNoIssuer},
	} {
		verdict, err := ocspsvc.VerifyID(response, c.id, c.issuer, time.Now(), ocspsvc.VerifyOptions{})
		if verdict.Reason != c.want || (err == nil) != (c.want == ocspsvc.ReasonGood) {
			t.Errorf("%s: reason = %q (%v), want %q", c.name, verdict.Reason, err, c.want)
		}
	}
}

// A delegate's own status is not for itself to say, also where its key is not
// at hand to compare.
func TestADelegateKnownByItsCertIDDoesNotVouchForItself(t *testing.T) {
	ca := ocsptest.NewCA(t)
	delegate := ca.Delegate(t)
	id := certID(t, delegate, crypto.SHA1)
	now := time.Now().Truncate(time.Second)
	template := ocspsvc.Template{ResponderID: ocspsvc.ByKey(delegate.Cert), ProducedAt: now, Certificates: []*x509.Certificate{delegate.Cert},
		Singles: []ocspsvc.Single{{CertID: id, Status: ocspsvc.Good, ThisUpdate: now, NextUpdate: now.Add(time.Hour)}}}
	response, err := template.Sign(delegate.Cert, delegate.Key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ocspsvc.VerifyID(response, id, ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
	if ocspsvc.ReasonOf(err) != ocspsvc.ReasonUnauthorizedSigner {
		t.Errorf("err = %v", err)
	}
}

func certID(t *testing.T, leaf *ocsptest.Leaf, hash crypto.Hash) ocspsvc.CertID {
	t.Helper()
	id, err := ocspsvc.NewCertID(leaf.Cert, leaf.Issuer.Cert, hash)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
