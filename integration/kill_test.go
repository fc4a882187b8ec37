package integration

import (
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"dwaar/integration/internal/wait"
)

// Killed 30 times at random moments while it fetches and stores staples, dwaar starts
// every time, never staples anything bad, and in the end S1 holds: the store has a staple
// that verifies with the responder dead.
func TestThirtyKillsLeaveAStoreThatStarts(t *testing.T) {
	t.Parallel()
	h := newHouseOf(t, binaries.Plain)
	names := []string{"k0.test", "k1.test", "k2.test", "k3.test"}
	for _, name := range names {
		h.site(h.leaf(name), "")
	}
	h.Configure(h.Options("", "refresh_every 1s\n\t\tpace 10ms\n\t\tstart_wait 100ms") + h.sites.String())
	for round := range 30 {
		h.Launch()
		delay := time.Duration(rand.Int64N(int64(600 * time.Millisecond)))
		h.refreshUntil(time.Now().Add(delay))
		if err := h.Alive(); err != nil {
			t.Fatalf("round %d: dwaar did not start: %v", round, err)
		}
		h.Kill()
	}
	h.Start()
	for _, name := range names {
		h.awaitStaple("S1", name, true, soon)
	}
	h.Kill()
	h.OCSP.Down()
	h.Start()
	for _, name := range names {
		h.stapled("S1, after kill -9 and with a dead responder", name)
	}
}

// refreshUntil keeps dwaar writing staples until a moment that has nothing to do with them.
func (h *house) refreshUntil(moment time.Time) {
	var all []*exec.Cmd
	for time.Now().Before(moment) {
		cmd := h.Command("ocsp", "refresh", "--all")
		if cmd.Start() == nil {
			all = append(all, cmd)
		}
		time.Sleep(min(60*time.Millisecond, time.Until(moment)))
	}
	for _, cmd := range all {
		go func() { _ = cmd.Wait() }() // ends by itself when the server is gone
	}
}

// Two in a row on the same data: the second says that the first is there, and the first
// goes on.
func TestSecondRunOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("twice.test"), "")
	h.start("", "")
	h.stapled("S1", "twice.test")
	out := h.Do("run", "--config", h.Config())
	if out.Code != 1 {
		t.Errorf("a second dwaar on the same data and ports: exit %d, want 1\n%s", out.Code, out.Text())
	}
	wait.Until(t, soon, "the first dwaar to answer", func() error {
		_, err := h.Status()
		return err
	})
	h.stapled("S1", "twice.test")
}
