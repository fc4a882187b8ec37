package ocspsvc_test

import (
	"crypto/x509"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// The key of a certificate that anybody may have added is not put to work: that
// the signature is bad as well is not found out.
func TestAStrangersKeyIsNeverUsed(t *testing.T) {
	ca, elsewhere := ocsptest.NewCA(t), ocsptest.NewCA(t)
	leaf, stranger := ca.Leaf(t), elsewhere.Delegate(t)
	response, err := ocspsvc.Template{
		Singles: []ocspsvc.Single{good(t, leaf)}, Certificates: []*x509.Certificate{stranger.Cert},
	}.Sign(stranger.Cert, stranger.Key)
	if err != nil {
		t.Fatal(err)
	}
	response.Signature[len(response.Signature)-1] ^= 1
	if _, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{}); ocspsvc.ReasonOf(err) != ocspsvc.ReasonUnauthorizedSigner {
		t.Errorf("error %v, want unauthorized_signer", err)
	}
}

func TestOnlyFourCertificatesAreTriedAsTheSigner(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	signer := ca.Delegate(t, ocsptest.Validity(-time.Hour, day))
	for others, want := range map[int]ocspsvc.Reason{3: ocspsvc.ReasonGood, 4: ocspsvc.ReasonBadSignature} {
		template := ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, ResponderID: ocspsvc.ByName(signer.Cert)}
		for range others { // of the same name, and to be preferred
			template.Certificates = append(template.Certificates, ca.Delegate(t, ocsptest.Validity(-time.Hour, 2*day)).Cert)
		}
		template.Certificates = append(template.Certificates, signer.Cert)
		response, err := template.Sign(signer.Cert, signer.Key)
		if err != nil {
			t.Fatal(err)
		}
		if verdict, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{}); verdict.Reason != want {
			t.Errorf("behind %d others: %s (%v), want %s", others, verdict.Reason, err, want)
		}
	}
}

// BenchmarkVerifyHostile judges what is filled with certificates that might
// have signed it: of a stranger, and of the CA itself.
func BenchmarkVerifyHostile(b *testing.B) {
	ca, elsewhere := ocsptest.NewCA(b, ocsptest.Key(ocsptest.RSA)), ocsptest.NewCA(b, ocsptest.Key(ocsptest.RSA))
	leaf := ca.Leaf(b)
	for name, by := range map[string]*ocsptest.CA{"stranger": elsewhere, "issuer": ca} {
		template := ocspsvc.Template{Singles: []ocspsvc.Single{good(b, leaf)}}
		for range 10 {
			template.Certificates = append(template.Certificates, by.Delegate(b, ocsptest.Key(ocsptest.RSA)).Cert)
		}
		template.ResponderID = ocspsvc.ByName(template.Certificates[0])
		signer := elsewhere.Delegate(b, ocsptest.Key(ocsptest.RSA))
		response, err := template.Sign(signer.Cert, signer.Key)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := judge(response, leaf, 0, ocspsvc.VerifyOptions{}); err == nil {
					b.Fatal("believed")
				}
			}
		})
	}
}
