package integration

import (
	"testing"
	"time"

	"dwaar/integration/internal/responder"
)

// The life of a certificate in compressed time: responses hold 12 seconds and are
// refreshed every 2. Good, outage, unknown, good again, revoked.
func TestStapleThroughGoodOutageUnknownGoodRevoked(t *testing.T) {
	t.Parallel()
	const life = 12 * time.Second
	h := newHouse(t)
	h.OCSP.Lifetime(life)
	h.site(h.leaf("time.test"), "")
	h.start("", "refresh_every 2s")

	first := h.stapled("S1", "time.test")
	awaitChange(h, first.Staple)

	h.OCSP.Down()
	h.stapled("S4, an outage does not take a valid staple", "time.test")
	if s := h.AwaitError("time.test", "unreachable", life); s.State != "fresh" || s.Reason != "good" {
		t.Errorf("3.1: during an outage the status is %+v, want a fresh, good staple with an error", s)
	}
	h.unservedAfter(life)

	h.OCSP.Behave(responder.Unknown)
	h.OCSP.Up()
	h.AwaitError("time.test", "unknown", soon)
	h.awaitStaple("S4, unknown is never stapled", "time.test", false, time.Second)

	h.OCSP.Behave(responder.Good)
	h.awaitStaple("S4, good again", "time.test", true, soon)

	h.OCSP.Behave(responder.Revoked)
	h.AwaitReason("time.test", "revoked", soon)
	if _, err := h.try("time.test"); err == nil {
		t.Error("V2: on_revoked refuse is the default, and the handshake succeeded")
	}
	if len(h.Log.Records("ERROR", "revoked")) == 0 {
		t.Error("V2: no error in the log about the revocation")
	}
}

// awaitChange waits until another response than old is stapled: a refresh has happened.
func awaitChange(h *house, old []byte) {
	h.t.Helper()
	deadline := time.Now().Add(soon)
	for string(h.stapled("refresh_every", "time.test").Staple) == string(old) {
		if time.Now().After(deadline) {
			h.t.Fatal("refresh_every 2s: the staple has not been replaced")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// unservedAfter watches handshakes until the staple is gone, and checks that it was never
// shown at or after its nextUpdate, and not dropped before.
func (h *house) unservedAfter(life time.Duration) {
	h.t.Helper()
	deadline := time.Now().Add(life + soon)
	var until time.Time
	for time.Now().Before(deadline) {
		shown := h.shake("time.test")
		if len(shown.Staple) == 0 {
			if early := time.Until(until); early > time.Second {
				h.t.Errorf("S4: the staple went %v before its nextUpdate", early)
			}
			return
		}
		if err := shown.GoodStaple(); err != nil {
			h.t.Fatalf("S3: %v", err)
		}
		until = nextUpdate(h.t, shown)
		time.Sleep(50 * time.Millisecond)
	}
	h.t.Fatal("S3: the staple outlived its nextUpdate")
}
