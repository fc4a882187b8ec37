package ocspsvc_test

import (
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

func BenchmarkVerify(b *testing.B) {
	for _, kind := range ocsptest.KeyTypes() {
		ca := ocsptest.NewCA(b, ocsptest.Key(kind))
		leaf, responder := ca.Leaf(b), ocsptest.NewResponder(b, ca)
		for _, fault := range []ocsptest.Fault{ocsptest.Good, ocsptest.Delegated} {
			responder.Set(fault)
			der := responder.DER(leaf)
			b.Run(string(kind)+"/"+string(fault), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					response, err := ocspsvc.ParseResponse(der)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkWindowContains(b *testing.B) {
	now := time.Now()
	w := ocspsvc.Window{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	b.ReportAllocs()
	for b.Loop() {
		if !w.Contains(now) {
			b.Fatal("outside")
		}
	}
}
