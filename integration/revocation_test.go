package integration

import (
	"os"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// V2: a revoked manual certificate loses its staple at once, its files are not touched,
// and on_revoked decides whether it is served. The other sites notice nothing.
func TestRevokedManualCertificate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy string
		served bool
	}{{"refuse", false}, {"serve", true}} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			bad := responder.New(t, h.CA)
			files := h.site(h.CA.Issue(t, pki.Request{Names: []string{"bad.test"}, OCSP: []string{bad.URL()}}), "")
			h.site(h.leaf("good.test"), "")
			h.start("", "on_revoked "+c.policy)
			h.stapled("S1", "bad.test")
			before := must(t)(os.ReadFile(files.Key)).([]byte)

			bad.Behave(responder.Revoked)
			h.Do("ocsp", "refresh", "bad.test")
			h.AwaitReason("bad.test", "revoked", soon)
			for range 3 {
				h.revokedIs(c.served)
			}
			h.awaitRecord("V2", "ERROR", "revoked")
			h.stapled("V2, the neighbour", "good.test")
			if after := must(t)(os.ReadFile(files.Key)).([]byte); string(after) != string(before) {
				t.Error("V2: the operator's key file was touched")
			}
			h.Stop()
			bad.Down()
			h.Start()
			h.revokedIs(c.served)
		})
	}
}

// revokedIs checks that bad.test is served without a staple, or refused.
func (h *house) revokedIs(served bool) {
	h.t.Helper()
	shown, err := h.try("bad.test")
	if served != (err == nil) {
		h.t.Errorf("V2: handshake of a revoked certificate: %v, want served = %v", err, served)
	}
	if len(shown.Staple) != 0 {
		h.t.Error("S4: a staple for a revoked certificate")
	}
}

// V2: a session from before the revocation cannot be resumed around the refusal.
func TestRevokedCertificateIsNotResumed(t *testing.T) {
	t.Parallel()
	for version, id := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.site(h.leaf("resume.test"), "")
			h.start("", "")
			h.stapled("S1", "resume.test")
			sessions := client.NewSessions(client.Target{Addr: h.Addr(), Name: "resume.test", Roots: h.CA.Pool(), Version: id})
			sessions.MustResume(t)
			h.OCSP.Behave(responder.Revoked)
			h.Do("ocsp", "refresh", "resume.test")
			h.AwaitReason("resume.test", "revoked", soon)
			if resumed, err := sessions.Try(); err == nil {
				t.Errorf("V2: handshake succeeded (resumed: %v) after the revocation", resumed)
			}
		})
	}
}

// S13: a must-staple leaf is refused while it has no staple, and served with an alarm when
// must_staple_wait is over.
func TestMustStapleLeafWaitsForItsStaple(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.OCSP.Behave(responder.Status(503))
	h.site(h.CA.Issue(t, pki.Request{Names: []string{"must.test"}, OCSP: []string{h.OCSP.URL()}, MustStaple: true}), "")
	h.start("", "must_staple_wait 10s\n\t\tstart_wait 100ms")
	if _, err := h.try("must.test"); err == nil {
		t.Error("S13: served without a staple before must_staple_wait was over")
	}
	h.OCSP.Behave(responder.Good)
	h.Do("ocsp", "refresh", "must.test")
	h.stapled("S13", "must.test")

	h.Stop()
	h.OCSP.Behave(responder.Status(503))
	must(t)(nil, os.RemoveAll(h.Data))
	h.Configure(h.Options("", "must_staple_wait 1s\n\t\tstart_wait 100ms") + h.sites.String())
	h.Start()
	h.awaitStaple("S13, after must_staple_wait", "must.test", false, soon)
	h.awaitRecord("S13", "ERROR", "must.test")
}

// V2: a revocation that was taken back while dwaar was down is noticed soon after the start.
func TestRevocationTakenBackWhileDownIsNoticed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.OCSP.Behave(responder.Revoked)
	h.site(h.leaf("hold.test"), "")
	h.start("", "")
	h.AwaitReason("hold.test", "revoked", soon)
	h.Stop()
	h.OCSP.Behave(responder.Good)
	h.Start()
	h.awaitStaple("V2, the hold was lifted", "hold.test", true, soon)
}
