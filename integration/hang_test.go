package integration

import (
	"slices"
	"testing"
	"time"

	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// S2: a responder that accepts and never answers changes no handshake's time and no other
// certificate. The times of three sites are taken in turn, so that load on the machine
// falls on all of them alike.
func TestHangingResponderDelaysNobody(t *testing.T) {
	h := newHouseOf(t, binaries.Plain)
	hanging := responder.New(t, h.CA)
	hanging.Behave(responder.Hang)
	h.site(h.CA.Issue(t, pki.Request{Names: []string{"hung.test"}, OCSP: []string{hanging.URL()}}), "")
	h.site(h.leaf("good.test"), "")
	h.site(h.leaf("off.test"), "ocsp off")
	h.start("", "timeout 8s\n\t\tstart_wait 500ms")
	h.stapled("S2, the healthy neighbour", "good.test")
	wait.Until(t, soon, "dwaar to ask the responder that hangs", func() error {
		if hanging.Requests() == 0 {
			return errNotYet
		}
		return nil
	})

	took := map[string][]time.Duration{}
	for range 60 {
		for _, name := range []string{"hung.test", "good.test", "off.test"} {
			took[name] = append(took[name], h.shake(name).Took)
		}
	}
	off := median(took["off.test"])
	for _, name := range []string{"hung.test", "good.test"} {
		if got := median(took[name]); got > 3*off+5*time.Millisecond {
			t.Errorf("S2: median handshake of %s takes %v, with `ocsp off` %v", name, got, off)
		}
		if slowest := slices.Max(took[name]); slowest > 4*time.Second {
			t.Errorf("S2: slowest handshake of %s took %v: it waited for the responder", name, slowest)
		}
	}
	h.AwaitReason("hung.test", "timeout", soon)
	if hanging.Requests() > 8 {
		t.Errorf("S8: %d requests to a responder that hangs, want at most 8 a round", hanging.Requests())
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
