package ocspsvc_test

import (
	"context"
	"crypto"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

const day = 24 * time.Hour

// verify asks the responder for leaf with a nonce and judges the answer as
// Fault.Reason says.
func verify(t *testing.T, r *ocsptest.Responder, leaf *ocsptest.Leaf) (ocspsvc.Verdict, error) {
	t.Helper()
	nonce := []byte("0123456789abcdef0123456789abcdef")
	id, err := ocspsvc.NewCertID(leaf.Cert, leaf.Issuer.Cert, crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	response, err := r.Respond(t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: nonce})
	if err != nil {
		return ocspsvc.Refusal(err), err
	}
	return ocspsvc.Verify(response, leaf.Cert, leaf.Issuer.Cert, time.Now(), ocspsvc.VerifyOptions{MaxAge: 10 * day, Nonce: nonce})
}

func TestEveryFaultGetsItsReason(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	responder := ocsptest.NewResponder(t, ca)
	responder.UseLeaf(leaf)
	for _, fault := range ocsptest.Faults() {
		if fault.OverHTTP() {
			continue
		}
		t.Run(string(fault), func(t *testing.T) {
			responder.Set(fault)
			verdict, err := verify(t, responder, leaf)
			t.Log(err)
			if verdict.Reason != fault.Reason() {
				t.Errorf("reason = %q, want %q (error: %v)", verdict.Reason, fault.Reason(), err)
			}
			if valid := err == nil; valid != verdict.Valid() || valid != (verdict.Reason == ocspsvc.Reason(verdict.Status.String())) {
				t.Errorf("verdict %+v does not agree with error %v", verdict, err)
			}
		})
	}
}

func TestVerifyWorksWithEveryKeyTypeAndSignature(t *testing.T) {
	for _, kind := range ocsptest.KeyTypes() {
		t.Run(string(kind), func(t *testing.T) {
			ca := ocsptest.NewCA(t, ocsptest.Key(kind))
			leaf := ca.Leaf(t, ocsptest.Key(kind))
			responder := ocsptest.NewResponder(t, ca)
			for _, fault := range []ocsptest.Fault{ocsptest.Good, ocsptest.Delegated, ocsptest.BadSignature, ocsptest.TwinSigner, ocsptest.ChangedContent} {
				responder.Set(fault)
				if verdict, err := verify(t, responder, leaf); verdict.Reason != fault.Reason() {
					t.Errorf("%s: reason = %q, want %q (error: %v)", fault, verdict.Reason, fault.Reason(), err)
				}
			}
		})
	}
}

func TestFetchAsksVerifiesAndHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := ocsptest.NewCA(t)
		leaf := ca.Leaf(t)
		responder := ocsptest.NewResponder(t, ca)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := responder.Fetch(ctx, leaf.Cert, ca.Cert); err != nil {
			t.Fatal(err)
		}
		responder.Set(ocsptest.Hang)
		begin := time.Now()
		_, err := responder.Fetch(ctx, leaf.Cert, ca.Cert)
		if ocspsvc.ReasonOf(err) != ocspsvc.ReasonTimeout || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 10*time.Second {
			t.Errorf("after %v: %v, want a timeout after 10s", time.Since(begin), err)
		}
	})
}
