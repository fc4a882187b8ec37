package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errRefused = &unreachable{errors.New("connection refused")}
	errReset   = errors.New("connection reset")
)

// balancerOf is the balancer of c, for upstreams that nothing listens on.
func balancerOf(t testing.TB, c Config) *balancer {
	t.Helper()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	servers := make([]*server, len(c.Upstreams))
	for i, written := range c.Upstreams {
		address, err := ParseAddress(written)
		if err != nil {
			t.Fatal(err)
		}
		servers[i] = newServer(address, nil)
		servers[i].state = newState(c.PassiveHealth)
		if c.PassiveHealth != nil {
			servers[i].most = int64(c.PassiveHealth.UnhealthyRequestCount)
		}
	}
	b, err := newBalancer(c, servers, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func abc(p *Policy) Config {
	return Config{Upstreams: []string{"a", "b", "c"}, LoadBalancing: &LoadBalancing{Policy: p}}
}

func name(s *server) string {
	if s == nil {
		return "-"
	}
	return strings.TrimSuffix(s.address.Dial, ":80")
}

func asking(method string) *http.Request { return httptest.NewRequest(method, "http://x.test/", nil) }

// ask is one request that is answered at once; it returns who answered.
func ask(b *balancer, r *http.Request) string {
	var t turn
	t.begin(b, r)
	defer t.end()
	s, err := t.next()
	if err != nil {
		return err.Error()
	}
	t.answered(&http.Response{StatusCode: 200, Header: http.Header{}})
	return name(s)
}

func asks(b *balancer, n int) (answers []string) {
	for range n {
		answers = append(answers, ask(b, asking(http.MethodGet)))
	}
	return answers
}

// whoIsTried lets every attempt fail with err, and returns the attempts.
func whoIsTried(b *balancer, r *http.Request, untouched bool, err error) (tried []string, final error) {
	var t turn
	t.begin(b, r)
	defer t.end()
	for {
		s, final := t.next()
		if final != nil {
			return tried, final
		}
		tried = append(tried, name(s))
		t.failed(err, untouched)
	}
}

func TestOneThatRefusesIsPassedOverAndAskedLastForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := balancerOf(t, abc(nil))
		var turn turn
		turn.begin(b, asking(http.MethodPost))
		s, _ := turn.next()
		turn.failed(errRefused, true)
		s2, err := turn.next()
		turn.end()
		if name(s) != "a" || name(s2) == "a" || err != nil {
			t.Fatalf("after %s comes %s, %v", name(s), name(s2), err)
		}
		if got := asks(b, 10); slices.Contains(got, "a") {
			t.Errorf("asked meanwhile: %v", got)
		}
		time.Sleep(avoidFor)
		if got := asks(b, 3); !slices.Contains(got, "a") {
			t.Errorf("asked later: %v", got)
		}
	})
}

func TestWithoutRetriesNothingIsSentTwice(t *testing.T) {
	for _, c := range []struct {
		name, method string
		untouched    bool
		err          error
		tries        int
	}{
		{"all refuse", http.MethodPost, true, errRefused, 3},
		{"a body was read though", http.MethodPost, false, errRefused, 1},
		{"it was reset", http.MethodGet, true, errReset, 1},
	} {
		tried, err := whoIsTried(balancerOf(t, abc(nil)), asking(c.method), c.untouched, c.err)
		if len(tried) != c.tries || !errors.Is(err, c.err) {
			t.Errorf("%s: tried %v, then %v", c.name, tried, err)
		}
	}
}

func TestWhatMayBeSentTwiceIsRetriedAsOftenAsWritten(t *testing.T) {
	for _, c := range []struct {
		name, method string
		untouched    bool
		err          error
		tries        int
	}{
		{"GET", http.MethodGet, true, errReset, 6},
		{"PUT without a body", http.MethodPut, true, errReset, 6},
		{"PUT whose body was read", http.MethodPut, false, errReset, 1},
		{"POST that may have arrived", http.MethodPost, true, errReset, 1},
		{"PATCH that may have arrived", http.MethodPatch, true, errReset, 1},
		{"POST that was not sent", http.MethodPost, true, errRefused, 8}, // the first look at b and c is free
		{"POST whose body was read", http.MethodPost, false, errRefused, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := abc(nil)
				cfg.LoadBalancing.Retries = 5
				tried, err := whoIsTried(balancerOf(t, cfg), asking(c.method), c.untouched, c.err)
				if len(tried) != c.tries || !errors.Is(err, c.err) {
					t.Errorf("tried %v, then %v; want %d tries", tried, err, c.tries)
				}
				if c.tries > 3 && len(slices.Compact(slices.Sorted(slices.Values(tried[:3])))) != 3 {
					t.Errorf("tried %v: not the others first", tried)
				}
			})
		})
	}
}

func TestRetriesEndWithTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := abc(nil)
		cfg.LoadBalancing.TryDuration = 5 * time.Second
		began := time.Now()
		tried, err := whoIsTried(balancerOf(t, cfg), asking(http.MethodGet), true, errReset)
		// Three at once, then one every 250 ms until the time is over.
		if took := time.Since(began); took != 5*time.Second || len(tried) != 3+20 || !errors.Is(err, errReset) {
			t.Errorf("%d tries in %v, then %v", len(tried), took, err)
		}
	})
}

func TestTheLastRetryComesAtTheEndOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Upstreams: []string{"a"}, LoadBalancing: &LoadBalancing{TryDuration: 5 * time.Second, TryInterval: 3 * time.Second}}
		began := time.Now()
		tried, _ := whoIsTried(balancerOf(t, cfg), asking(http.MethodGet), true, errRefused)
		if took := time.Since(began); took != 5*time.Second || len(tried) != 3 {
			t.Errorf("%d tries in %v", len(tried), took)
		}
	})
}

func TestAClientThatLeavesEndsTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := abc(nil)
		cfg.LoadBalancing.TryDuration, cfg.LoadBalancing.TryInterval = time.Hour, time.Minute
		ctx, leave := context.WithTimeout(t.Context(), 90*time.Second)
		defer leave()
		began := time.Now()
		tried, _ := whoIsTried(balancerOf(t, cfg), asking(http.MethodGet).WithContext(ctx), true, errReset)
		if took := time.Since(began); took != 90*time.Second || len(tried) != 4 {
			t.Errorf("%d tries in %v", len(tried), took)
		}
	})
}

func TestWithEverybodyDownARequestWaitsForOneToComeUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		try   time.Duration
		up    time.Duration
		want  string
		after time.Duration
	}{
		{"no patience", 0, time.Second, errNoUpstream.Error(), 0},
		{"none comes", 5 * time.Second, time.Hour, errNoUpstream.Error(), 5 * time.Second},
		{"one comes", 5 * time.Second, 1100 * time.Millisecond, "b", 1250 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := abc(nil)
				cfg.LoadBalancing.TryDuration = c.try
				b := balancerOf(t, cfg)
				for _, s := range b.servers {
					s.sick.Store(true)
				}
				time.AfterFunc(c.up, func() { b.servers[1].sick.Store(false) })
				began := time.Now()
				if got := ask(b, asking(http.MethodGet)); got != c.want || time.Since(began) != c.after {
					t.Errorf("%s after %v, want %s after %v", got, time.Since(began), c.want, c.after)
				}
			})
		})
	}
}

func TestAWeightOfZeroIsNeverAskedNorWaitedForInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Upstreams: []string{"a", "b"}, LoadBalancing: &LoadBalancing{
			Policy: &Policy{Name: "weighted_round_robin", Weights: []int{1, 0}}, TryDuration: 2 * time.Second,
		}}
		tried, _ := whoIsTried(balancerOf(t, cfg), asking(http.MethodGet), true, errReset)
		if slices.Contains(tried, "b") || len(tried) != 9 {
			t.Errorf("tried %v", tried)
		}
	})
}

func TestLimitsReturnToZero(t *testing.T) {
	cfg := abc(&Policy{Name: "least_conn"})
	cfg.LoadBalancing.Retries = 4
	cfg.PassiveHealth = &PassiveHealth{UnhealthyRequestCount: 2}
	b := balancerOf(t, cfg)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			defer func() { _ = recover() }()
			var t turn
			t.begin(b, asking(http.MethodGet))
			defer t.end()
			if _, err := t.next(); err != nil {
				return
			}
			switch i % 3 {
			case 0:
				panic(http.ErrAbortHandler)
			case 1:
				t.failed(errReset, true)
				_, _ = t.next()
			}
		})
	}
	all.Wait()
	for _, s := range b.servers {
		if n := s.inFlight.Load(); n != 0 {
			t.Errorf("%s: %d requests are under way for ever", name(s), n)
		}
	}
}

func TestWhoComeAtOnceDoNotExceedTheLimit(t *testing.T) {
	s := balancerOf(t, Config{Upstreams: []string{"a"}, PassiveHealth: &PassiveHealth{UnhealthyRequestCount: 2}}).servers[0]
	for range 200 {
		var taken atomic.Int64
		var all sync.WaitGroup
		start := make(chan struct{})
		for range 8 {
			all.Go(func() {
				<-start
				if s.take() {
					taken.Add(1)
				}
			})
		}
		close(start)
		all.Wait()
		if n := taken.Load(); n > 2 || n != s.inFlight.Load() {
			t.Fatalf("%d requests are let in, %d under way", n, s.inFlight.Load())
		}
		s.inFlight.Store(0)
	}
}

func TestNoUpstreamGetsMoreRequestsThanItMayHave(t *testing.T) {
	b := balancerOf(t, Config{Upstreams: []string{"a", "b"}, PassiveHealth: &PassiveHealth{UnhealthyRequestCount: 2}})
	var turns [5]turn
	var got []string
	for i := range turns {
		turns[i].begin(b, asking(http.MethodGet))
		s, err := turns[i].next()
		got = append(got, fmt.Sprint(name(s), err != nil))
	}
	if want := "[afalse bfalse afalse bfalse -true]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	turns[1].end()
	if got := ask(b, asking(http.MethodGet)); got != "b" {
		t.Errorf("after one has ended: %s", got)
	}
}
