package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/proxy/ratelimit"
)

func zone(events int, window time.Duration) ratelimit.Zone {
	return ratelimit.Zone{Name: "test", Key: "{client_ip}", Events: events, Window: window}
}

func TestEventsAreAllowedUpToTheLimitOfEveryWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events, window = 10, 16 * time.Second
		l := ratelimit.New(zone(events, window))
		random := rand.New(rand.NewPCG(1, 2))
		var allowed []time.Time
		for range 5000 {
			time.Sleep(time.Duration(random.IntN(int(window / 8))))
			if l.Text("a").Allowed {
				allowed = append(allowed, time.Now())
			}
		}
		for i := events; i < len(allowed); i++ {
			if since := allowed[i].Sub(allowed[i-events]); since < window {
				t.Fatalf("%d events within %v", events+1, since)
			}
		}
		if len(allowed) < 200 {
			t.Errorf("only %d were allowed", len(allowed))
		}
	})
}

func TestWhoWaitsAsLongAsToldIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window = time.Minute
		l := ratelimit.New(zone(3, window))
		time.Sleep(7 * time.Second)
		for range 3 {
			if !l.Text("a").Allowed {
				t.Fatal("refused within the limit")
			}
			time.Sleep(5 * time.Second)
		}
		refused := l.Text("a")
		if refused.Allowed || refused.Wait > window+window/16-15*time.Second || refused.Wait < window-15*time.Second {
			t.Fatalf("%+v", refused)
		}
		time.Sleep(refused.Wait - time.Millisecond)
		if l.Text("a").Allowed {
			t.Error("allowed before the time")
		}
		time.Sleep(time.Millisecond)
		if !l.Text("a").Allowed {
			t.Error("refused after the time it was told")
		}
		time.Sleep(100 * time.Hour) // many windows
		for i := range 4 {
			if got := l.Text("a").Allowed; got != (i < 3) {
				t.Errorf("later, event %d: %v", i, got)
			}
		}
	})
}

func TestKeysAreCountedForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			first, second string
			same          bool
		}{
			{"a", "a", true}, {"a", "b", false}, {"", "", true}, {"", "a", false},
			{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.2", false}, {"192.0.2.1", "::ffff:192.0.2.1", true},
			{"2001:db8::1", "2001:db8::ffff:1", true}, {"2001:db8::1", "2001:db8:0:1::1", false}, {"fe80::1%a", "fe80::2%b", true},
			{strings.Repeat("x", 1000), strings.Repeat("x", 1000), true}, {strings.Repeat("x", 1000), strings.Repeat("x", 999), false},
		} {
			l := ratelimit.New(zone(1, time.Hour))
			if !l.Text(c.first).Allowed {
				t.Errorf("%.20q: the first is refused", c.first)
			}
			if got := l.Text(c.second).Allowed; got == c.same {
				t.Errorf("%.20q and %.20q: allowed %v", c.first, c.second, got)
			}
		}
		z := zone(1, time.Hour)
		z.IPv4Prefix, z.IPv6Prefix = 24, 48
		l := ratelimit.New(z)
		l.Text("192.0.2.1")
		l.Address(netip.MustParseAddr("2001:db8::1"))
		l.Address(netip.Addr{})
		for _, text := range []string{"192.0.2.255", "2001:db8:0:ffff::1"} {
			if l.Text(text).Allowed {
				t.Errorf("%s is not in the network of another", text)
			}
		}
		if l.Address(netip.Addr{}).Allowed || !l.Text("192.0.3.1").Allowed {
			t.Error("no address is an address")
		}
	})
}

func TestMemoryIsBoundedAndTheOnesInSightAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := zone(1, time.Hour)
		z.MaxKeys = 100
		l := ratelimit.New(z)
		l.Text("busy")
		told := 0
		for i := range 1000 {
			if v := l.Text(fmt.Sprint(i)); !v.Allowed {
				t.Fatalf("stranger %d is refused", i)
			} else if v.Crowded {
				told++
			}
			if l.Text("busy").Allowed {
				t.Fatal("who goes on asking is forgotten")
			}
		}
		if told != 1 {
			t.Errorf("it was told %d times that there are too many", told)
		}
		if !l.Text("0").Allowed {
			t.Error("the first of a thousand is still known")
		}
		time.Sleep(2 * time.Hour) // now nobody has events, and forgetting costs nothing
		if l.Text("new").Crowded {
			t.Error("it was told of somebody without events")
		}
	})
}

func TestManyAtOnceGetNoMoreThanTheLimit(t *testing.T) {
	l := ratelimit.New(zone(100, time.Hour))
	var all sync.WaitGroup
	var allowed atomic.Int64
	for range 8 {
		all.Go(func() {
			for range 100 {
				if l.Text("a").Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	if all.Wait(); allowed.Load() != 100 {
		t.Errorf("%d allowed", allowed.Load())
	}
}

func TestACountOfAKnownKeyAllocatesNothing(t *testing.T) {
	l, addr := ratelimit.New(zone(10, time.Hour)), netip.MustParseAddr("2001:db8::1")
	l.Address(addr)
	if n := testing.AllocsPerRun(100, func() { l.Address(addr) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestZonesAreChecked(t *testing.T) {
	good := zone(1, time.Second)
	for want, change := range map[string]func(*ratelimit.Zone){
		"has a name":           func(z *ratelimit.Zone) { z.Name = "" },
		"key is missing":       func(z *ratelimit.Zone) { z.Key = "" },
		"events is missing":    func(z *ratelimit.Zone) { z.Events = 0 },
		"window is missing":    func(z *ratelimit.Zone) { z.Window = 0 },
		"events is not from":   func(z *ratelimit.Zone) { z.Events = -1 },
		"window is not from":   func(z *ratelimit.Zone) { z.Window = time.Millisecond },
		"ipv4_prefix is not":   func(z *ratelimit.Zone) { z.IPv4Prefix = 33 },
		"ipv6_prefix is not":   func(z *ratelimit.Zone) { z.IPv6Prefix = 129 },
		"max_keys is not from": func(z *ratelimit.Zone) { z.MaxKeys = -1 },
	} {
		z := good
		change(&z)
		if err := z.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}
