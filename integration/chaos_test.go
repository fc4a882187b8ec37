package integration

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/responder"
)

// Whatever the responder does, in whatever order and with dwaar asking all the time: no client
// ever sees a staple that a strict one would refuse, and no handshake fails.
func TestNoFaultEverReachesAClient(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.OCSP.Lifetime(3 * time.Second)
	h.site(h.leaf("chaos.test"), "")
	h.start("", "on_revoked serve\n\t\trefresh_every 1s\n\t\tpace 10ms\n\t\ttimeout 500ms")
	faults := h.faults()
	delete(faults, "down")
	delete(faults, "good")     // theirs holds longer
	delete(faults, "delegate") // likewise
	names := slices.Sorted(maps.Keys(faults))
	crowd := h.crowd("chaos.test", 2)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		h.OCSP.Behave(faults[names[rand.IntN(len(names))]])
		h.Do("ocsp", "refresh", "chaos.test")
		h.OCSP.Behave(responder.Good)
		if rand.IntN(3) > 0 {
			h.Do("ocsp", "refresh", "chaos.test")
		}
	}
	h.OCSP.Behave(responder.Revoked) // which chance may have left out, or over at once
	h.Do("ocsp", "refresh", "chaos.test")
	h.awaitStaple("S4, revoked", "chaos.test", false, soon)
	h.OCSP.Behave(responder.Good)
	crowd.leave()
	t.Logf("%d handshakes, %d of them stapled, %d requests", crowd.seen.Load(), crowd.stapled.Load(), h.OCSP.Requests())
	if crowd.stapled.Load() == 0 {
		t.Errorf("none of %d handshakes was stapled: the test saw only one side", crowd.seen.Load())
	}
	h.OCSP.Lifetime(time.Hour)
	h.awaitStaple("S4, after the chaos", "chaos.test", true, 2*soon)
}

// S3: a process that was stopped while its staple ended does not show it when it goes on.
func TestStapleThatEndedInASuspendIsNotShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.OCSP.Lifetime(5 * time.Second)
	h.site(h.leaf("sleep.test"), "")
	h.start("", "")
	end := nextUpdate(t, h.stapled("S1", "sleep.test"))
	h.OCSP.Down()
	h.Signal(syscall.SIGSTOP)
	time.Sleep(time.Until(end.Add(100 * time.Millisecond)))
	h.Signal(syscall.SIGCONT)
	if shown := h.shake("sleep.test"); len(shown.Staple) != 0 {
		t.Errorf("S3: after the suspend: %v", shown.GoodStaple())
	}
}
