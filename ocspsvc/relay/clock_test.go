package relay_test

import (
	"testing"
	"time"

	"dwaar/ocspsvc/relay"
)

// A clock that was wrong and is put back must not leave plans behind that come true
// when it would have been right: in years.
func TestPlansDoNotOutliveAClockThatWasWrong(t *testing.T) {
	for _, c := range []struct {
		back               time.Duration
		waits, says, rests bool
	}{
		{0, true, true, true},
		{-time.Second, true, true, true},
		{30 * time.Second, true, true, true}, // as clocks are adjusted
		{3 * time.Hour, false, false, true},  // it may have wanted to be left alone for a day
		{2 * day, false, false, false},
		{10 * 365 * day, false, false, false},
		{-2 * day, false, false, false},
	} {
		waits, says, rests := relay.Stepped(c.back)
		if waits != c.waits || says != c.says || rests != c.rests {
			t.Errorf("put back by %v: waits %v, says tryLater %v, rests %v", c.back, waits, says, rests)
		}
	}
}
