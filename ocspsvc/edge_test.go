package ocspsvc_test

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// judge verifies at now plus offset.
func judge(r *ocspsvc.Response, leaf *ocsptest.Leaf, offset time.Duration, o ocspsvc.VerifyOptions) (ocspsvc.Verdict, error) {
	return ocspsvc.Verify(r, leaf.Cert, leaf.Issuer.Cert, r.ProducedAt.Add(offset), o)
}

func TestTimesAreJudgedToTheSecond(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	bounded, unbounded := good(t, leaf), good(t, leaf)
	unbounded.NextUpdate = time.Time{}
	allow := ocspsvc.VerifyOptions{AllowNoNextUpdate: true}
	for _, test := range []struct {
		name   string
		single ocspsvc.Single
		offset time.Duration
		o      ocspsvc.VerifyOptions
		want   ocspsvc.Reason
	}{
		{"a moment before nextUpdate", bounded, 7*day - 1, ocspsvc.VerifyOptions{}, ocspsvc.ReasonGood},
		{"at nextUpdate", bounded, 7 * day, ocspsvc.VerifyOptions{}, ocspsvc.ReasonExpired},
		{"at nextUpdate, none needed", bounded, 7 * day, allow, ocspsvc.ReasonExpired},
		{"as old as allowed", bounded, day, ocspsvc.VerifyOptions{MaxAge: day}, ocspsvc.ReasonGood},
		{"older than allowed", bounded, day + 1, ocspsvc.VerifyOptions{MaxAge: day}, ocspsvc.ReasonTooOld},
		{"older than allowed and expired", bounded, 8 * day, ocspsvc.VerifyOptions{MaxAge: day}, ocspsvc.ReasonExpired},
		{"no nextUpdate", unbounded, 0, ocspsvc.VerifyOptions{}, ocspsvc.ReasonNoNextUpdate},
		{"no nextUpdate, though an age is given", unbounded, 0, ocspsvc.VerifyOptions{MaxAge: day}, ocspsvc.ReasonNoNextUpdate},
		{"no nextUpdate needed", unbounded, 7 * day, allow, ocspsvc.ReasonGood},
		{"no nextUpdate needed, after a week", unbounded, 7*day + 1, allow, ocspsvc.ReasonTooOld},
		{"no nextUpdate, long age", unbounded, 9 * day, ocspsvc.VerifyOptions{AllowNoNextUpdate: true, MaxAge: 9 * day}, ocspsvc.ReasonGood},
		{"no nextUpdate, past a long age", unbounded, 9*day + 1, ocspsvc.VerifyOptions{AllowNoNextUpdate: true, MaxAge: 9 * day}, ocspsvc.ReasonTooOld},
		{"five minutes ahead", bounded, -5 * time.Minute, ocspsvc.VerifyOptions{}, ocspsvc.ReasonGood},
		{"more than five minutes ahead", bounded, -5*time.Minute - 1, ocspsvc.VerifyOptions{}, ocspsvc.ReasonNotYetValid},
		{"an hour ahead, allowed", bounded, -time.Hour, ocspsvc.VerifyOptions{Skew: time.Hour}, ocspsvc.ReasonGood},
		{"a moment ahead, none allowed", bounded, -1, ocspsvc.VerifyOptions{Skew: -1}, ocspsvc.ReasonNotYetValid},
		{"at thisUpdate, none allowed", bounded, 0, ocspsvc.VerifyOptions{Skew: -1}, ocspsvc.ReasonGood},
	} {
		response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{test.single}, ProducedAt: test.single.ThisUpdate})
		verdict, err := judge(response, leaf, test.offset, test.o)
		if verdict.Reason != test.want || !verdict.ThisUpdate.Equal(test.single.ThisUpdate) || !verdict.NextUpdate.Equal(test.single.NextUpdate) {
			t.Errorf("%s: verdict %+v, want %s (error: %v)", test.name, verdict, test.want, err)
		}
	}
}

func TestSeveralGoodSinglesHoldOnlyWhileAllDo(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	one, two := good(t, leaf), good(t, leaf)
	two.CertID = newID(t, leaf, crypto.SHA256)
	one.ThisUpdate, one.NextUpdate = one.ThisUpdate.Add(-2*time.Hour), two.ThisUpdate.Add(time.Hour)
	response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{one, two}})
	verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{})
	if err != nil || !verdict.ThisUpdate.Equal(two.ThisUpdate) || !verdict.NextUpdate.Equal(one.NextUpdate) {
		t.Errorf("verdict %+v, error %v", verdict, err)
	}
	verdict, err = judge(response, leaf, 0, ocspsvc.VerifyOptions{Hash: crypto.SHA256})
	if err != nil || !verdict.NextUpdate.Equal(two.NextUpdate) {
		t.Errorf("by SHA-256 only: verdict %+v, error %v", verdict, err)
	}
	two.NextUpdate = time.Time{}
	response = sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{one, two}})
	if _, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{}); ocspsvc.ReasonOf(err) != ocspsvc.ReasonNoNextUpdate {
		t.Errorf("one without nextUpdate: %v", err)
	}
}

func TestTheCertIDHasToBeByTheHashAskedFor(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}})
	for hash, want := range map[crypto.Hash]ocspsvc.Reason{
		0: ocspsvc.ReasonGood, crypto.SHA1: ocspsvc.ReasonGood, crypto.SHA256: ocspsvc.ReasonWrongCertificate,
	} {
		if verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{Hash: hash}); verdict.Reason != want {
			t.Errorf("%v: %v, want %s", hash, err, want)
		}
	}
}

// The hash that was asked for has to be there; what is said under another one
// counts if it is worse.
func TestARevocationUnderTheOtherHashCounts(t *testing.T) { // C5b
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	for status, want := range map[ocspsvc.Status]ocspsvc.Reason{
		ocspsvc.Revoked: ocspsvc.ReasonRevoked, ocspsvc.Unknown: ocspsvc.ReasonUnknown,
	} {
		one, two := good(t, leaf), good(t, leaf)
		two.CertID, two.Status = newID(t, leaf, crypto.SHA256), status
		if status == ocspsvc.Revoked {
			two.RevokedAt = two.ThisUpdate
		}
		response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{one, two}})
		verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{Hash: crypto.SHA1})
		if verdict.Reason != want {
			t.Errorf("good by SHA-1 and %s by SHA-256: %s (%v)", status, verdict.Reason, err)
		}
		if _, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{Hash: crypto.SHA384}); ocspsvc.ReasonOf(err) != ocspsvc.ReasonWrongCertificate {
			t.Errorf("nothing by SHA-384: %v", err)
		}
	}
}

func TestADelegateEndsWhatItSigned(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	delegate := ca.Delegate(t, ocsptest.Validity(-time.Hour, 2*day))
	response, err := ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, Certificates: []*x509.Certificate{delegate.Cert}}.Sign(delegate.Cert, delegate.Key)
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{})
	if err != nil || !verdict.SignerNotAfter.Equal(delegate.Cert.NotAfter) || verdict.SignerUnchecked {
		t.Errorf("verdict %+v, error %v", verdict, err)
	}
	if until := verdict.Window(time.Now(), 0).Until; !until.Equal(delegate.Cert.NotAfter) {
		t.Errorf("window ends %v, want with the delegate at %v", until, delegate.Cert.NotAfter)
	}
	if _, err := judge(response, leaf, 2*day+time.Second, ocspsvc.VerifyOptions{}); ocspsvc.ReasonOf(err) != ocspsvc.ReasonExpired {
		t.Errorf("after the delegate's end: %v", err)
	}
}

func TestADelegateRenewedWithItsKeyMayEmbedBoth(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	old := ca.Delegate(t, ocsptest.Validity(-9*day, -time.Hour))
	renewed := ca.Delegate(t, ocsptest.WithKey(old.Key))
	response, err := ocspsvc.Template{
		Singles: []ocspsvc.Single{good(t, leaf)}, Certificates: []*x509.Certificate{old.Cert, renewed.Cert},
	}.Sign(renewed.Cert, renewed.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{}); err != nil {
		t.Error(err)
	}
}

func TestWhoSignedIsReported(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, responder := ca.Leaf(t), ocsptest.NewResponder(t, ca)
	for fault, want := range map[ocsptest.Fault]ocspsvc.Verdict{
		ocsptest.Good:            {Responder: ca.Cert.Subject.String()},
		ocsptest.EmbeddedIssuer:  {Responder: ca.Cert.Subject.String()},
		ocsptest.Delegated:       {Responder: "CN=dwaar test responder"},
		ocsptest.DelegateNoCheck: {Responder: "CN=dwaar test responder", SignerUnchecked: true},
	} {
		responder.Set(fault)
		verdict, err := verify(t, responder, leaf)
		if err != nil || verdict.Responder != want.Responder || verdict.SignerUnchecked != want.SignerUnchecked {
			t.Errorf("%s: verdict %+v, error %v", fault, verdict, err)
		}
		if own := fault == ocsptest.Good || fault == ocsptest.EmbeddedIssuer; own != verdict.SignerNotAfter.IsZero() {
			t.Errorf("%s: signer ends %v", fault, verdict.SignerNotAfter)
		}
	}
}

func TestRevocationsSayWhenAndWhy(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, responder := ca.Leaf(t), ocsptest.NewResponder(t, ca)
	at := time.Date(2025, 5, 6, 7, 8, 9, 0, time.UTC)
	responder.Change(func(s *ocsptest.Settings) { s.RevokedAt = at })
	for fault, want := range map[ocsptest.Fault]ocspsvc.Verdict{
		ocsptest.Revoked:        {RevokedAt: at, RevocationReason: ocspsvc.KeyCompromise},
		ocsptest.OnHold:         {RevokedAt: at, RevocationReason: ocspsvc.CertificateHold},
		ocsptest.NotIssued:      {RevokedAt: time.Unix(0, 0), RevocationReason: ocspsvc.CertificateHold, NotIssued: true},
		ocsptest.Good:           {},
		ocsptest.GoodAndUnknown: {},
	} {
		responder.Set(fault)
		got, err := verify(t, responder, leaf)
		if err != nil || !got.RevokedAt.Equal(want.RevokedAt) || got.RevocationReason != want.RevocationReason || got.NotIssued != want.NotIssued {
			t.Errorf("%s: verdict %+v, error %v", fault, got, err)
		}
	}
}

func TestAnyLevelOfAChainCanBeVerified(t *testing.T) {
	root := ocsptest.NewRoot(t)
	direct := root.Leaf(t)
	ca := ocsptest.NewCA(t)
	intermediate := &ocsptest.Leaf{Cert: ca.Cert, Key: ca.Key, Issuer: ca.Root}
	expired := ca.Leaf(t, ocsptest.Validity(-9*day, time.Minute)) // whose response outlives it
	for _, leaf := range []*ocsptest.Leaf{direct, intermediate, expired} {
		response := sign(t, leaf.Issuer, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}})
		if _, err := judge(response, leaf, time.Hour, ocspsvc.VerifyOptions{}); err != nil {
			t.Errorf("%s: %v", leaf.Cert.Subject, err)
		}
	}
}

func TestProducedAtHasToBeInsideTheDatesOfLeafAndDelegate(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, delegate := ca.Leaf(t, ocsptest.Validity(-2*day, 5*day)), ca.Delegate(t, ocsptest.Validity(-day, 9*day))
	single := good(t, leaf)
	for offset, want := range map[time.Duration]ocspsvc.Reason{
		0: ocspsvc.ReasonGood, -20 * time.Hour: ocspsvc.ReasonGood,
		-30 * time.Hour: ocspsvc.ReasonNotYetValid, -3 * day: ocspsvc.ReasonNotYetValid,
	} {
		response, err := ocspsvc.Template{
			Singles: []ocspsvc.Single{single}, ProducedAt: single.ThisUpdate.Add(offset), Certificates: []*x509.Certificate{delegate.Cert},
		}.Sign(delegate.Cert, delegate.Key)
		if err != nil {
			t.Fatal(err)
		}
		if verdict, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{}); verdict.Reason != want {
			t.Errorf("produced at %v: %v, want %s", offset, err, want)
		}
	}
	late := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{single}, ProducedAt: single.ThisUpdate.Add(6 * day)})
	if verdict, err := ocspsvc.Verify(late, leaf.Cert, ca.Cert, single.ThisUpdate.Add(6*day), ocspsvc.VerifyOptions{}); verdict.Reason != ocspsvc.ReasonExpired {
		t.Errorf("produced after the leaf's end: %v", err)
	}
}

func TestCriticalExtensionsOfOtherCertificatesDoNotMatter(t *testing.T) {
	ca := ocsptest.NewCA(t)
	other := good(t, ca.Leaf(t))
	other.Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true}}
	subject := ca.Leaf(t)
	response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{other, good(t, subject)}})
	if _, err := judge(response, subject, 0, ocspsvc.VerifyOptions{}); err != nil {
		t.Error(err)
	}
}

func TestNoncesAreComparedOnlyIfBothSidesHaveOne(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	for _, test := range []struct {
		sent, got string
		want      ocspsvc.Reason
	}{
		{"", "", ocspsvc.ReasonGood}, {"abc", "abc", ocspsvc.ReasonGood}, {"abc", "", ocspsvc.ReasonGood},
		{"", "abc", ocspsvc.ReasonGood}, {"abc", "abd", ocspsvc.ReasonWrongCertificate},
	} {
		response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, Nonce: []byte(test.got)})
		if verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{Nonce: []byte(test.sent)}); verdict.Reason != test.want {
			t.Errorf("sent %q, got %q: %v, want %s", test.sent, test.got, err, test.want)
		}
	}
	bare := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Critical: true, Value: []byte("not DER")}
	response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, Extensions: []pkix.Extension{bare}})
	if _, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{Nonce: []byte("not DER")}); err != nil {
		t.Errorf("a bare nonce, as old responders send: %v", err)
	}
}

func TestADelegateHasToBeTheIssuersAndAnother(t *testing.T) {
	ca := ocsptest.NewCA(t)
	alias := ocsptest.NewRoot(t, ocsptest.WithKey(ca.Key), ocsptest.Name("alias"))
	both := ocsptest.Modify(func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageOCSPSigning}
	})
	leaf := ca.Leaf(t, both)
	aliased, renewed := alias.Delegate(t), ca.Leaf(t, both, ocsptest.WithKey(leaf.Key))
	for name, signer := range map[string]*ocsptest.Leaf{
		"named after another CA with the same key": aliased, "the leaf itself": leaf, "the leaf's key": renewed,
		"the CA's key under another name": {Cert: alias.Cert, Key: ca.Key},
	} {
		response, err := ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, ResponderID: ocspsvc.ByName(signer.Cert), Certificates: []*x509.Certificate{signer.Cert}}.Sign(signer.Cert, signer.Key)
		if err != nil {
			t.Fatal(err)
		}
		if verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{}); verdict.Reason != ocspsvc.ReasonUnauthorizedSigner {
			t.Errorf("%s: %v, want unauthorized_signer", name, err)
		}
	}
}

func TestTheIssuerMayEmbedAnotherOfItsCertificates(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	crossed := ocsptest.NewRoot(t, ocsptest.WithKey(ca.Key), ocsptest.Modify(func(c *x509.Certificate) {
		c.Subject, c.NotAfter = ca.Cert.Subject, c.NotAfter.AddDate(1, 0, 0)
	}))
	response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, Certificates: []*x509.Certificate{crossed.Cert}})
	verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{})
	if err != nil || !verdict.SignerNotAfter.IsZero() {
		t.Errorf("verdict %+v, error %v", verdict, err)
	}
}

func TestADelegateOfTheNearFutureIsTooEarlyNow(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, delegate := ca.Leaf(t), ca.Delegate(t, ocsptest.Validity(6*time.Minute, day))
	single := good(t, leaf)
	response, err := ocspsvc.Template{
		Singles: []ocspsvc.Single{single}, ProducedAt: single.ThisUpdate.Add(4 * time.Minute), Certificates: []*x509.Certificate{delegate.Cert},
	}.Sign(delegate.Cert, delegate.Key)
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, single.ThisUpdate, ocspsvc.VerifyOptions{})
	if verdict.Reason != ocspsvc.ReasonNotYetValid {
		t.Errorf("%v, want not_yet_valid", err)
	}
}

func TestNotIssuedTakesAllOfItsSigns(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	extended := []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 9}, Critical: true, Value: []byte{5, 0}}}
	epoch := time.Unix(0, 0)
	for _, test := range []struct {
		at         time.Time
		reason     ocspsvc.RevocationReason
		extensions []pkix.Extension
		want       bool
	}{
		{epoch, ocspsvc.CertificateHold, extended, true},
		{epoch, ocspsvc.KeyCompromise, extended, false},
		{epoch.Add(time.Second), ocspsvc.CertificateHold, extended, false},
		{epoch, ocspsvc.CertificateHold, nil, false},
	} {
		single := good(t, leaf)
		single.Status, single.RevokedAt, single.RevocationReason = ocspsvc.Revoked, test.at, test.reason
		response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{single}, Extensions: test.extensions})
		verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{})
		if err != nil || verdict.NotIssued != test.want {
			t.Errorf("%+v: not issued %v, error %v", test, verdict.NotIssued, err)
		}
	}
}
