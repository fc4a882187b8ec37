package responder_test

import (
	"crypto"
	"errors"
	"net/http"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

func TestJoinedSignersAnswerEachForItsCA(t *testing.T) {
	one := newDesk(t, responder.Config{})
	two := newDesk(t, responder.Config{Nonce: responder.NonceRequired}, ocsptest.Name("two"))
	three := newDesk(t, responder.Config{}, ocsptest.Name("three"))
	joined := responder.Joined{one.signer, two.signer}
	handler := responder.Handler(joined, responder.Options{})
	malformed := one.count(t, "answers_total", "malformedRequest")
	for _, d := range []*desk{one, two, three} {
		d.handler = handler
	}
	for range 3 {
		if got := one.ask(t); got != "good" {
			t.Errorf("one: %s", got)
		}
		if got := two.ask(t); got != "unauthorized" {
			t.Errorf("two, which wants a nonce: %s", got)
		}
		if got := three.ask(t); got != "unauthorized" {
			t.Errorf("three, which is not here: %s", got)
		}
		if got := word(one.post(t, nil)); got != "malformedRequest" {
			t.Errorf("nothing: %s", got)
		}
	}
	if one.signatures(t) != 1 || two.signatures(t) != 0 || one.count(t, "answers_total", "good") != 3 ||
		one.count(t, "answers_total", "malformedRequest") != malformed+3 || two.count(t, "answers_total", "unauthorized") != 3 {
		t.Error("not counted where it was answered")
	}
	response, err := joined.Respond(t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{one.certID(t, crypto.SHA256)}})
	if err != nil || word(response) != "good" {
		t.Errorf("one, without HTTP: %v", err)
	}
	if _, err := joined.Respond(t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{three.certID(t, crypto.SHA256)}}); !errors.Is(err, ocspsvc.ErrNotOurs) {
		t.Errorf("three, without HTTP: %v", err)
	}
	one.handler = responder.Handler(responder.Joined{}, responder.Options{})
	if w := one.do(http.MethodPost, "/", requestDER(t, one.certID(t, crypto.SHA1)), nil); w.Body.Len() != 5 {
		t.Errorf("nobody: % x", w.Body.Bytes())
	}
}
