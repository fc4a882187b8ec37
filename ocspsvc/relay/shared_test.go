package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

// Several relays on one storage: what one has asked for, none of the others asks
// for again, neither at first nor when it gets old.
func TestRelaysOnOneStorageShareTheirAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first, stop := d.relay, d.stop
		defer stop()
		d.stop = nil
		d.open()
		relays := []*relay.Relay{first, d.relay}
		leaf := d.ca.Leaf(t)
		ask := func(want string) {
			t.Helper()
			for i, r := range relays {
				d.relay = r
				if got := d.ask(leaf); got != want {
					t.Errorf("relay %d: answer = %q, want %q", i, got, want)
				}
				synctest.Wait()
			}
		}
		ask("good")
		if n := d.responder.Count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		for range 10 {
			time.Sleep(day)
			ask("good")
		}
		if n := d.responder.Count(); n < 11 || n > 15 {
			t.Errorf("%d requests in ten days, want about one a day for both", n)
		}
		d.responder.Set(ocsptest.Revoked)
		time.Sleep(day + time.Hour)
		ask("revoked")
	})
}
