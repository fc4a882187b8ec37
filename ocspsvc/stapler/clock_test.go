package stapler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

// A machine without a clock of its own boots in 1970 and is put right later.
func TestAClockThatIsPutRightAfterTheStartBringsBackWhatIsStored(t *testing.T) { // S1, S3, V2
	for name, test := range map[string]struct {
		status ocspsvc.Status
		before bool // it is revoked whatever the clock says
		state  stapler.State
		reason ocspsvc.Reason
	}{
		"good":    {ocspsvc.Good, false, stapler.Fresh, ocspsvc.ReasonGood},
		"revoked": {ocspsvc.Revoked, true, stapler.None, ocspsvc.ReasonRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, leaves := setUp(t, stapler.Config{}, plain(ocsptest.Validity(-30*day, 365*day))(t))
				leaf := leaves[0]
				now := time.Now().Add(10 * day) // as the clock will be
				der := answer{status: test.status, this: 10*day - time.Hour, made: 10*day - time.Hour, next: 17 * day}.sign(t, b.ca, leaf)
				b.disk.write(t, respstore.Record{Leaf: leaf.Fingerprint(), Response: der, LastRefresh: now.Add(-time.Hour), NotAfter: leaf.Cert.NotAfter})
				b.network.set("one.example", down)
				b.run()
				synctest.Wait()
				if got := b.catalog.isRevoked(leaf); got != test.before {
					t.Errorf("with the wrong clock: revoked = %v", got)
				}
				time.Sleep(time.Until(now))
				b.service.StepClock(time.Now())
				time.Sleep(2 * time.Minute)
				b.wantState("with the right clock", leaf, test.state, test.reason)
			})
		})
	}
}
