package ocspsvc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
)

func TestReasonsAreTheContracts(t *testing.T) {
	const contract = "good pending disabled no_responder no_issuer self_signed blocked_address unreachable timeout http_error " +
		"responder_error malformed bad_signature unauthorized_signer wrong_certificate not_yet_valid expired too_old " +
		"no_next_update critical_extension too_large revoked unknown store_error"
	var words []string
	for _, reason := range ocspsvc.Reasons() {
		words = append(words, string(reason))
		text := reason.Explain()
		if !strings.HasSuffix(text, ".") || strings.Count(text, ". ") > 0 || strings.ContainsAny(text, "\n") {
			t.Errorf("%s is explained by %q, want one sentence", reason, text)
		}
	}
	if got := strings.Join(words, " "); got != contract {
		t.Errorf("reasons are\n%s, want\n%s", got, contract)
	}
	if got := ocspsvc.Reason("tired").Explain(); got != "" {
		t.Errorf("an unknown word is explained by %q", got)
	}
}

func TestErrorsCarryTheirReason(t *testing.T) {
	inner := &ocspsvc.Error{Reason: ocspsvc.ReasonUnreachable, Err: io.ErrUnexpectedEOF}
	err := fmt.Errorf("asking http://ocsp.example: %w", inner)
	if ocspsvc.ReasonOf(err) != ocspsvc.ReasonUnreachable || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v lost its reason or cause", err)
	}
	if got := inner.Error(); got != "unreachable: unexpected EOF" {
		t.Errorf("error = %q", got)
	}
	if got := (&ocspsvc.Error{Reason: ocspsvc.ReasonPending}).Error(); got != "pending" {
		t.Errorf("error without cause = %q", got)
	}
	if ocspsvc.ReasonOf(nil) != "" || ocspsvc.ReasonOf(io.EOF) != "" {
		t.Error("a reason out of nothing")
	}
}

func TestVerdictsArePrintedAsTheContractSays(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	at := func(day int) time.Time { return time.Date(2026, 1, day, 1, 0, 0, 0, zone) }
	for want, verdict := range map[string]ocspsvc.Verdict{
		`{"valid":true,"status":"good","reason":"good","this_update":"2026-01-02T00:00:00Z","next_update":"2026-01-09T00:00:00Z","produced_at":"2026-01-02T00:00:00Z","revoked_at":null,"revocation_reason":"","responder":"CN=r"}`:              {Status: ocspsvc.Good, Reason: ocspsvc.ReasonGood, ThisUpdate: at(2), NextUpdate: at(9), ProducedAt: at(2), Responder: "CN=r"},
		`{"valid":true,"status":"revoked","reason":"revoked","this_update":"2026-01-02T00:00:00Z","next_update":null,"produced_at":"2026-01-02T00:00:00Z","revoked_at":"2026-01-01T00:00:00Z","revocation_reason":"unspecified","responder":""}`: {Status: ocspsvc.Revoked, Reason: ocspsvc.ReasonRevoked, ThisUpdate: at(2), ProducedAt: at(2), RevokedAt: at(1)},
		`{"valid":false,"status":"","reason":"expired","this_update":"2026-01-02T00:00:00Z","next_update":"2026-01-09T00:00:00Z","produced_at":null,"revoked_at":null,"revocation_reason":"","responder":""}`:                                    {Reason: ocspsvc.ReasonExpired, ThisUpdate: at(2), NextUpdate: at(9)},
		`{"valid":false,"status":"","reason":"timeout","this_update":null,"next_update":null,"produced_at":null,"revoked_at":null,"revocation_reason":"","responder":""}`:                                                                        ocspsvc.Refusal(&ocspsvc.Error{Reason: ocspsvc.ReasonTimeout}),
	} {
		got, err := json.Marshal(verdict)
		if err != nil || string(got) != want {
			t.Errorf("%s, error %v; want\n%s", got, err, want)
		}
	}
}

func TestStatusesAndRevocationReasonsHaveTheirNames(t *testing.T) {
	for status, want := range map[ocspsvc.Status]string{0: "", ocspsvc.Good: "good", ocspsvc.Revoked: "revoked", ocspsvc.Unknown: "unknown", 9: ""} {
		text, err := status.MarshalText()
		if err != nil || string(text) != want || status.String() != want {
			t.Errorf("%d = %q, error %v; want %q", status, text, err, want)
		}
		var back ocspsvc.Status
		if err := back.UnmarshalText(text); err != nil || status < 9 && back != status {
			t.Errorf("%q reads as %d, error %v", text, back, err)
		}
	}
	if err := new(ocspsvc.Status).UnmarshalText([]byte("bad")); err == nil || err.Error() != `unknown certificate status "bad"` {
		t.Errorf("error = %v", err)
	}
	if got := ocspsvc.ResponseStatus(4).String(); got != "responseStatus(4)" {
		t.Errorf("response status 4 = %q", got)
	}
	for reason := ocspsvc.RevocationReason(-1); reason < 12; reason++ {
		back, err := ocspsvc.ParseRevocationReason(reason.String())
		named := reason >= 0 && reason <= 10 && reason != 7
		if named != (err == nil) || named && back != reason {
			t.Errorf("%s reads as %d, error %v", reason, back, err)
		}
	}
	if _, err := ocspsvc.ParseRevocationReason(""); err == nil || err.Error() != `unknown revocation reason ""` {
		t.Errorf("error = %v", err)
	}
}
