package stapler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

func TestThreeNodesThatStartAtOnceAskOnceForEachCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{}, plains(t, 20)...)
		c.one.Change(func(s *ocsptest.Settings) { s.Delay = 100 * time.Millisecond })
		c.runAll(true)
		c.wantStapled("when all have started")
		time.Sleep(time.Hour)
		c.wantFetches("an hour later", 20, 20)
		if n := c.written(); n != 20 {
			t.Errorf("%d records were written, want 20", n)
		}
		if n := c.leased(); n > 0 {
			t.Errorf("%d leases are left", n)
		}
		c.wantQuiet("after the start")
	})
}

func TestThreeNodesRefreshAsOftenAsOne(t *testing.T) {
	for name, hear := range map[string]bool{"hearing of each other": true, "deaf": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := setUpCluster(t, 3, stapler.Config{}, plains(t, 5)...)
				for _, n := range c.nodes {
					n.deaf = !hear
				}
				c.runAll(true)
				for range 10 {
					time.Sleep(day)
					c.wantStapled("day by day")
				}
				c.wantFetches("ten days of 12 h", 5*20, 5*23)
				c.wantQuiet("ten days")
			})
		})
	}
}

// Reloads come to the nodes one after the other.
func TestAShorterRefreshEveryMakesNoNodeAskAgainWhatAnotherHasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{}, plains(t, 10)...)
		c.runAll(true)
		time.Sleep(time.Hour)
		c.wantFetches("before", 10, 10)
		for _, n := range c.nodes {
			if err := n.service.Reconfigure(stapler.Config{RefreshEvery: 30 * time.Minute, Pace: time.Millisecond}, c.network); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		c.wantFetches("after the reloads", 20, 20)
	})
}
