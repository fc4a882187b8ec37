package upstream

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// answer is one request that b answers with this status after this time.
func answer(t *testing.T, b *balancer, status int, after time.Duration) string {
	t.Helper()
	var turn turn
	turn.begin(b, asking(http.MethodPost))
	defer turn.end()
	s, err := turn.next()
	if err != nil {
		return err.Error()
	}
	time.Sleep(after)
	turn.answered(&http.Response{StatusCode: status, Header: http.Header{}})
	return name(s)
}

func TestFailuresCountForAsLongAsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := balancerOf(t, Config{Upstreams: []string{"a"}, PassiveHealth: &PassiveHealth{FailDuration: 10 * time.Second, MaxFails: 3, UnhealthyStatus: []int{5}}})
		for range 3 {
			if got := answer(t, b, 500, 4*time.Second); got != "a" { // at 4 s, 8 s and 12 s
				t.Fatalf("asked %s", got)
			}
		}
		// The first is forgotten at 14 s.
		if got := answer(t, b, 200, 0); got != errNoUpstream.Error() {
			t.Errorf("after three failures: %s", got)
		}
		time.Sleep(1999 * time.Millisecond)
		if got := answer(t, b, 200, 0); got != errNoUpstream.Error() {
			t.Errorf("before the first is forgotten: %s", got)
		}
		time.Sleep(time.Millisecond)
		if got := answer(t, b, 500, 0); got != "a" { // the third of the last 10 s: 8, 12 and 14
			t.Errorf("when the first is forgotten: %s", got)
		}
		if got := answer(t, b, 200, 0); got != errNoUpstream.Error() {
			t.Errorf("after a failure more: %s", got)
		}
		time.Sleep(20 * time.Second)
		for range 2 {
			if got := answer(t, b, 500, 0); got != "a" {
				t.Errorf("all forgotten: %s", got)
			}
		}
		if got := answer(t, b, 200, 0); got != "a" {
			t.Errorf("two of three: %s", got)
		}
	})
}

func TestWhatCountsAsAFailure(t *testing.T) {
	for _, c := range []struct {
		name    string
		passive PassiveHealth
		status  int
		after   time.Duration
		down    bool
	}{
		{"a status that is written", PassiveHealth{UnhealthyStatus: []int{503}}, 503, 0, true},
		{"another", PassiveHealth{UnhealthyStatus: []int{503}}, 500, 0, false},
		{"a class", PassiveHealth{UnhealthyStatus: []int{4, 5}}, 599, 0, true},
		{"slow", PassiveHealth{UnhealthyLatency: time.Second}, 200, time.Second, true},
		{"fast", PassiveHealth{UnhealthyLatency: time.Second}, 200, 999 * time.Millisecond, false},
		{"nothing is written", PassiveHealth{}, 500, time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.passive.FailDuration = time.Minute
				b := balancerOf(t, Config{Upstreams: []string{"a"}, PassiveHealth: &c.passive})
				answer(t, b, c.status, c.after)
				if down := b.servers[0].down(); down != c.down {
					t.Errorf("down = %v", down)
				}
			})
		})
	}
}

func TestErrorsAreFailuresUnlessTheClientLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, left := range []bool{false, true} {
			b := balancerOf(t, Config{Upstreams: []string{"a"}, PassiveHealth: &PassiveHealth{FailDuration: time.Minute}})
			ctx, leave := context.WithCancel(t.Context())
			var turn turn
			turn.begin(b, asking(http.MethodGet).WithContext(ctx))
			_, _ = turn.next()
			if left {
				leave()
			}
			turn.failed(errReset, true)
			turn.end()
			leave()
			if down := b.servers[0].down(); down == left {
				t.Errorf("client left: %v, down: %v", left, down)
			}
		}
	})
}

func TestARecoveringUpstreamIsUsedWhileARequestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := balancerOf(t, Config{
			Upstreams:     []string{"a"},
			PassiveHealth: &PassiveHealth{FailDuration: 3 * time.Second, UnhealthyStatus: []int{500}},
			LoadBalancing: &LoadBalancing{TryDuration: 5 * time.Second},
		})
		answer(t, b, 500, 0)
		began := time.Now()
		if got := ask(b, asking(http.MethodPost)); got != "a" || time.Since(began) != 3*time.Second {
			t.Errorf("%s after %v", got, time.Since(began))
		}
	})
}
