package ocspsvc_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
)

func TestWindowEndsWithTheFirstOfItsBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		time.Sleep(10 * day)
		now, this := time.Now(), start.Add(9*day)
		v := ocspsvc.Verdict{Status: ocspsvc.Good, ThisUpdate: this, NextUpdate: this.Add(4 * day)}
		delegated, endless, said := v, v, v
		delegated.SignerNotAfter = this.Add(2 * day)
		endless.NextUpdate = time.Time{}
		said.Status = 0
		for _, test := range []struct {
			name        string
			verdict     ocspsvc.Verdict
			lastRefresh time.Time
			maxAge      time.Duration
			until       time.Time
		}{
			{"nextUpdate", v, now, 7 * day, this.Add(4 * day)},
			{"no age", v, now, 0, this.Add(4 * day)},
			{"age since the refresh", v, now, day, now.Add(day)},
			{"never refreshed", v, time.Time{}, day, this.Add(day)},
			{"refreshed in the future", v, now.Add(time.Second), day, this.Add(day)},
			{"delegate", delegated, now, 7 * day, this.Add(2 * day)},
			{"no nextUpdate", endless, now, 7 * day, now.Add(7 * day)},
			{"no nextUpdate and a short age", endless, now, time.Hour, now.Add(time.Hour)},
			{"no nextUpdate and no age", endless, now, 0, now.Add(7 * day)},
			{"no nextUpdate, never refreshed", endless, time.Time{}, 0, this.Add(7 * day)},
		} {
			if got := test.verdict.Window(test.lastRefresh, test.maxAge); !got.From.Equal(this) || !got.Until.Equal(test.until) {
				t.Errorf("%s: window %v, want until %v", test.name, got, test.until)
			}
		}
		if got := said.Window(now, day); got != (ocspsvc.Window{}) || got.Contains(now) {
			t.Errorf("a verdict without status has the window %v", got)
		}
	})
}

func TestWindowContainsItsBeginningAndNotItsEnd(t *testing.T) {
	from := time.Now().Round(0)
	w := ocspsvc.Window{From: from, Until: from.Add(time.Hour)}
	for offset, want := range map[time.Duration]bool{-1: false, 0: true, time.Hour - 1: true, time.Hour: false} {
		if got := w.Contains(from.Add(offset)); got != want {
			t.Errorf("contains %v = %v, want %v", offset, got, want)
		}
	}
}
