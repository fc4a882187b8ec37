package client_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// C16, C23: who is not asked about is not asked about.
func TestSomeCertificatesAreNotAskedAbout(t *testing.T) {
	const url = "http://ocsp.example/"
	for _, tt := range []struct {
		name    string
		leaf    func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate)
		reason  ocspsvc.Reason
		problem string
	}{
		{"noRevAvail", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return ca.Leaf(t, ocsptest.OCSP(url), ocsptest.NoRevAvail()).Cert, ca.Cert
		}, ocspsvc.ReasonNoResponder, "noRevAvail"},
		{"expired", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return ca.Leaf(t, ocsptest.OCSP(url), ocsptest.Validity(-2*time.Hour, -time.Hour)).Cert, ca.Cert
		}, ocspsvc.ReasonExpired, "the certificate itself expired at 1999-12-31T23:00:00Z"},
		{"self-signed", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			cert := ocsptest.SelfSigned(t, ocsptest.OCSP(url)).Cert
			return cert, cert
		}, ocspsvc.ReasonSelfSigned, "signed itself"},
		{"no issuer", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return ca.Leaf(t, ocsptest.OCSP(url)).Cert, nil
		}, ocspsvc.ReasonNoIssuer, "not known"},
		{"another issuer", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return ca.Leaf(t, ocsptest.OCSP(url)).Cert, ca.Root.Cert
		}, ocspsvc.ReasonNoIssuer, "did not issue"},
		{"issuer of the same name", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return ca.Leaf(t, ocsptest.OCSP(url)).Cert, ca.Twin(t).Cert
		}, ocspsvc.ReasonNoIssuer, "did not issue"},
		{"no URL", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return ca.Leaf(t).Cert, ca.Cert
		}, ocspsvc.ReasonNoResponder, "names no OCSP responder"},
		{"only other protocols", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return ca.Leaf(t, ocsptest.OCSP("ldap://dir.example/", "ftp://dir.example/")).Cert, ca.Cert
		}, ocspsvc.ReasonNoResponder, "names no OCSP responder"},
		{"nothing", func(t *testing.T, ca *ocsptest.CA) (leaf, issuer *x509.Certificate) {
			return nil, ca.Cert
		}, ocspsvc.ReasonMalformed, "no certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				leaf, issuer := tt.leaf(t, w.ca)
				_, err := w.client(client.Config{}).Fetch(t.Context(), leaf, issuer)
				if ocspsvc.ReasonOf(err) != tt.reason || !strings.Contains(err.Error(), tt.problem) {
					t.Errorf("Fetch = %v, want %s: …%s…", err, tt.reason, tt.problem)
				}
				if w.responder.Count() != 0 || len(w.Dials()) != 0 {
					t.Error("somebody was asked")
				}
			})
		})
	}
}

func TestAShortLivedCertificateIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.leaf = w.ca.Leaf(t, ocsptest.OCSP("http://ocsp.example/"), ocsptest.Validity(-time.Hour, 23*time.Hour))
		w.wantReason(ocspsvc.ReasonGood)
	})
}

func TestOtherProtocolsAndRepetitionsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Set(ocsptest.TryLater)
		w.urls("ldap://dir.example/", "http://ocsp.example/", "http://ocsp.example/")
		w.wantAsked(w.responder, ocspsvc.ReasonResponderError, "GET sha1")
	})
}

// Every key type signs leaves and responses.
func TestEveryKeyTypeIsVerified(t *testing.T) {
	for _, kind := range ocsptest.KeyTypes() {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			ca := ocsptest.NewCA(t, ocsptest.Key(kind))
			w := &world{network: n, ca: ca, responder: ocsptest.NewResponder(t, ca)}
			w.Name("ocsp.example", "8.8.8.8")
			w.Serve("8.8.8.8:80", w.responder)
			w.urls("http://ocsp.example/")
			w.wantReason(ocspsvc.ReasonGood)
		})
	}
}
