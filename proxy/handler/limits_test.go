package handler_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/proxy/handler"
	"dwaar/proxy/kept"
	"dwaar/proxy/match"
	"dwaar/proxy/ratelimit"
	"dwaar/proxy/request"
)

// from asks as a client of this address, "" for none.
func from(address string) *http.Request {
	state := &request.State{}
	if address != "" {
		state.ClientIP = netip.MustParseAddr(address)
	}
	return request.With(httptest.NewRequest(http.MethodGet, "/", nil), state)
}

func status(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestIPFilterLetsInByTheSmallestNetwork(t *testing.T) {
	filtered := func(f handler.IPFilter) http.Handler {
		return compiled(t, handler.Chain{{Directive: f}, {Directive: handler.Respond{Body: "in"}}})
	}
	both := filtered(handler.IPFilter{Allow: match.Networks{"10.0.0.0/8", "2001:db8::/32"}, Deny: match.Networks{"10.1.0.0/16"}})
	denying := filtered(handler.IPFilter{Deny: match.Networks{"private_ranges"}})
	for _, c := range []struct {
		address       string
		both, denying int
	}{
		{"10.0.0.1", 200, 403}, {"10.1.0.1", 403, 403}, {"192.0.2.1", 403, 200}, {"2001:db8::1", 200, 200}, {"::1", 403, 403}, {"", 403, 200},
		{"::ffff:10.0.0.1", 200, 403},
	} {
		if got := status(both, from(c.address)); got != c.both {
			t.Errorf("allow and deny, %s: %d, want %d", c.address, got, c.both)
		}
		if got := status(denying, from(c.address)); got != c.denying {
			t.Errorf("deny, %s: %d, want %d", c.address, got, c.denying)
		}
	}
}

func TestIPFilterAborts(t *testing.T) {
	h := compiled(t, handler.Chain{{Directive: handler.IPFilter{Deny: match.Networks{"192.0.2.1"}, Abort: true}}})
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the client is answered")
		}
	}()
	status(h, from("192.0.2.1"))
}

func TestIPFilterRefusesWhatCannotWork(t *testing.T) {
	for want, f := range map[string]handler.IPFilter{
		"neither":     {},
		"not a netwo": {Deny: match.Networks{"10.0.0.0/99"}},
		"both":        {Allow: match.Networks{"10.0.0.1/8"}, Deny: match.Networks{"10.0.0.0/8"}},
	} {
		if err := handler.Check(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestRateLimitAnswersWithTheTimeToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := compiled(t, handler.Chain{
			{Directive: handler.RateLimit{Zones: []ratelimit.Zone{
				{Name: "each", Key: "{client_ip}", Events: 2, Window: time.Minute},
				{Name: "user", Key: "{http.request.header.X-User}", Events: 3, Window: time.Hour},
			}}},
			{Directive: handler.Respond{Body: "in"}},
		})
		ask := func(address, user string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), from(address)
			r.Header.Set("X-User", user)
			h.ServeHTTP(w, r)
			return w
		}
		for i, c := range []struct {
			address, user string
			status        int
		}{
			{"192.0.2.1", "ann", 200}, {"192.0.2.1", "ann", 200}, {"192.0.2.1", "ann", 429},
			{"192.0.2.2", "ann", 200}, {"192.0.2.3", "ann", 429}, {"192.0.2.3", "ben", 200},
			{"2001:db8::1", "cat", 200}, {"2001:db8::2", "cat", 200}, {"2001:db8::3", "cat", 429}, {"2001:db8:0:1::3", "cat", 200},
		} {
			if got := ask(c.address, c.user).Code; got != c.status {
				t.Errorf("request %d: %d, want %d", i, got, c.status)
			}
		}
		w := ask("192.0.2.1", "dan")
		if after := w.Header().Get("Retry-After"); after != "64" || w.Code != 429 {
			t.Errorf("%d, Retry-After %q", w.Code, after)
		}
		time.Sleep(64 * time.Second)
		if got := ask("192.0.2.1", "dan").Code; got != 200 {
			t.Errorf("after the time it was told: %d", got)
		}
	})
}

func TestAReloadKeepsTheCountsOfAZoneThatStays(t *testing.T) {
	shelf := kept.NewShelf()
	zone := ratelimit.Zone{Name: "z", Key: "all", Events: 1, Window: time.Hour}
	load := func(lease *kept.Lease, zone ratelimit.Zone) http.Handler {
		apply, err := handler.Chain{{Directive: handler.RateLimit{Zones: []ratelimit.Zone{zone}}}}.Compile(
			&handler.Env{Log: slog.New(slog.DiscardHandler), Kept: lease})
		if err != nil {
			t.Fatal(err)
		}
		return apply(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}
	before, after := shelf.Lease(), shelf.Lease()
	if got := status(load(before, zone), from("")); got != 200 {
		t.Fatal(got)
	}
	if got := status(load(before, zone), from("")); got != 429 {
		t.Errorf("another site with the zone: %d", got)
	}
	reloaded := load(after, zone)
	before.Release()
	if got := status(reloaded, from("")); got != 429 {
		t.Errorf("after the reload: %d", got)
	}
	zone.Events = 2
	if got := status(load(after, zone), from("")); got != 200 {
		t.Errorf("a zone that changed: %d", got)
	}
}
