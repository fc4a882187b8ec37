package upstream

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dwaar/proxy/request"
)

func count(answers []string) map[string]int {
	n := map[string]int{}
	for _, a := range answers {
		n[a]++
	}
	return n
}

func TestTurnsAreTakenEvenly(t *testing.T) {
	b := balancerOf(t, abc(&Policy{Name: "round_robin"}))
	if got := strings.Join(asks(b, 7), ""); got != "abcabca" {
		t.Errorf("turns = %s", got)
	}
	b.servers[1].sick.Store(true)
	if got := count(asks(b, 100)); got["a"] != 50 || got["c"] != 50 {
		t.Errorf("with b down: %v", got)
	}
}

func TestWeightsAreKeptInEveryRound(t *testing.T) {
	b := balancerOf(t, abc(&Policy{Name: "weighted_round_robin", Weights: []int{5, 0, 2}}))
	for range 3 {
		got := asks(b, 7)
		if n := count(got); n["a"] != 5 || n["c"] != 2 || strings.Contains(strings.Join(got, ""), "cc") {
			t.Errorf("a round = %v", got)
		}
	}
	b.servers[0].sick.Store(true)
	if got := count(asks(b, 10)); got["c"] != 10 {
		t.Errorf("with a down: %v", got)
	}
}

func TestChanceIsFair(t *testing.T) {
	for _, p := range []*Policy{{Name: "random"}, {Name: "random_choose", Choose: 2}, {Name: "least_conn"}} {
		got := count(asks(balancerOf(t, abc(p)), 3000))
		for _, s := range []string{"a", "b", "c"} {
			if got[s] < 800 || got[s] > 1200 {
				t.Errorf("%s: %v", p.Name, got)
			}
		}
	}
}

func TestLoadDecides(t *testing.T) {
	for _, p := range []*Policy{{Name: "random_choose", Choose: 3}, {Name: "least_conn"}} {
		b := balancerOf(t, abc(p))
		b.servers[0].inFlight.Store(3)
		b.servers[1].inFlight.Store(1)
		b.servers[2].inFlight.Store(2)
		if got := count(asks(b, 50)); got["b"] != 50 {
			t.Errorf("%s: %v", p.Name, got)
		}
	}
}

func TestFirstIsTheFirstThatIsUp(t *testing.T) {
	b := balancerOf(t, abc(&Policy{Name: "first"}))
	b.servers[0].sick.Store(true)
	if got := ask(b, asking("GET")); got != "b" {
		t.Errorf("asked %s", got)
	}
	b.servers[0].sick.Store(false)
	if got := ask(b, asking("GET")); got != "a" {
		t.Errorf("asked %s", got)
	}
}

// from is a request of client number n.
func from(n int) *http.Request {
	r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("http://x.test/%d?q=%d", n, n), nil)
	r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:%d", n/250, n%250, 1000+n)
	r.Header.Set("X-Id", fmt.Sprint(n))
	return r
}

func TestAKeyStaysWhereItIsAndOnlyTheOnesOfADeadUpstreamMove(t *testing.T) {
	for _, p := range []*Policy{
		{Name: "ip_hash"}, {Name: "client_ip_hash"}, {Name: "uri_hash"},
		{Name: "header", Field: "x-id"}, {Name: "query", Field: "q"},
	} {
		cfg := Config{Upstreams: []string{"a", "b", "c", "d", "e"}, LoadBalancing: &LoadBalancing{Policy: p}}
		b, other := balancerOf(t, cfg), balancerOf(t, cfg) // as after a restart
		const keys = 2000
		before := make([]string, keys)
		for n := range keys {
			before[n] = ask(b, from(n))
			if again := ask(other, from(n)); again != before[n] {
				t.Fatalf("%s: client %d goes to %s and to %s", p.Name, n, before[n], again)
			}
		}
		share := count(before)
		for _, s := range cfg.Upstreams {
			if share[s] < keys/5*3/4 || share[s] > keys/5*5/4 {
				t.Errorf("%s: shares are %v", p.Name, share)
			}
		}
		b.servers[2].sick.Store(true)
		moved := map[string]int{}
		for n := range keys {
			switch after := ask(b, from(n)); {
			case before[n] == "c":
				moved[after]++
			case after != before[n]:
				t.Fatalf("%s: client %d moves from %s to %s, which is no reason", p.Name, n, before[n], after)
			}
		}
		if len(moved) != 4 || moved["c"] > 0 {
			t.Errorf("%s: the clients of c go to %v", p.Name, moved)
		}
	}
}

func TestTheClientIsWhoTrustedProxiesSayItIs(t *testing.T) {
	b := balancerOf(t, Config{Upstreams: []string{"a", "b", "c", "d", "e"}, LoadBalancing: &LoadBalancing{Policy: &Policy{Name: "client_ip_hash"}}})
	seen := map[string]int{}
	for n := range 100 {
		r := from(1)
		seen[ask(b, request.With(r, &request.State{ClientIP: netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})}))]++
	}
	if len(seen) != 5 {
		t.Errorf("clients behind one proxy go to %v", seen)
	}
}

func TestRequestsWithoutTheKeyFallBack(t *testing.T) {
	fallback := &Policy{Name: "first"}
	for _, p := range []*Policy{
		{Name: "header", Field: "X-Id", Fallback: fallback},
		{Name: "query", Field: "q", Fallback: fallback},
		{Name: "cookie", Fallback: fallback},
	} {
		if got := count(asks(balancerOf(t, abc(p)), 20)); got["a"] != 20 {
			t.Errorf("%s: %v", p.Name, got)
		}
	}
}

func TestAllValuesOfAQueryParameterCount(t *testing.T) {
	key := queryKey("a b")
	for query, same := range map[string]string{
		"a+b=1&x=2":      "a%20b=1",
		"a%20b=1&a+b=2":  "a+b=1&y&a+b=%32",
		"a+b=":           "",
		"%zz=1&a%20b=%q": "a+b=%q",
	} {
		one, ok := key(&http.Request{URL: httptest.NewRequest("GET", "/?"+query, nil).URL})
		two, ok2 := key(&http.Request{URL: httptest.NewRequest("GET", "/?"+same, nil).URL})
		if one != two || ok != ok2 {
			t.Errorf("%q is not as %q", query, same)
		}
	}
	one, _ := key(httptest.NewRequest("GET", "/?a+b=1&a+b=2", nil))
	two, _ := key(httptest.NewRequest("GET", "/?a+b=2&a+b=1", nil))
	if one == two {
		t.Error("only one of several values counts")
	}
}

// visit is a request with cookies; it returns who answered and the cookie set.
func visit(t *testing.T, b *balancer, r *http.Request, cookies ...*http.Cookie) (string, *http.Cookie) {
	t.Helper()
	for _, c := range cookies {
		r.AddCookie(c)
	}
	var turn turn
	turn.begin(b, r)
	defer turn.end()
	s, err := turn.next()
	if err != nil {
		t.Fatal(err)
	}
	response := &http.Response{StatusCode: 200, Header: http.Header{}}
	turn.answered(response)
	set := response.Cookies()
	if len(set) > 1 {
		t.Fatalf("cookies = %v", set)
	}
	if len(set) == 0 {
		return name(s), nil
	}
	return name(s), set[0]
}

func TestACookieKeepsAClientWhereItIs(t *testing.T) {
	cfg := abc(&Policy{Name: "cookie", Secret: "s3cret"})
	b := balancerOf(t, cfg)
	where, cookie := visit(t, b, asking("GET"))
	if cookie == nil || cookie.Name != "lb" || cookie.Path != "/" || !cookie.HttpOnly || cookie.Secure ||
		cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 0 || strings.Contains(cookie.Value, where) && len(cookie.Value) < 64 {
		t.Fatalf("cookie = %v", cookie)
	}
	restarted := balancerOf(t, Config{Upstreams: []string{"c", "x", "b", "a"}, LoadBalancing: cfg.LoadBalancing})
	for range 30 {
		for _, b := range []*balancer{b, restarted} {
			if got, again := visit(t, b, asking("GET"), cookie); got != where || again != nil {
				t.Fatalf("a client of %s goes to %s and gets %v", where, got, again)
			}
		}
	}
}

func TestACookieForADeadOrUnknownUpstreamIsReplaced(t *testing.T) {
	b := balancerOf(t, abc(&Policy{Name: "cookie", Field: "at", Secret: "s3cret", MaxAge: 1 << 40}))
	where, cookie := visit(t, b, asking("GET"))
	i := slices.IndexFunc(b.servers, func(s *server) bool { return name(s) == where })
	b.servers[i].sick.Store(true)
	elsewhere, replaced := visit(t, b, asking("GET"), cookie)
	if elsewhere == where || replaced == nil || replaced.Value == cookie.Value || replaced.Name != "at" || replaced.MaxAge != 1099 {
		t.Errorf("from %s with %v to %s with %v", where, cookie, elsewhere, replaced)
	}
	for name, other := range map[string]*balancer{
		"another secret": balancerOf(t, abc(&Policy{Name: "cookie", Field: "at", Secret: "other"})),
		"removed":        balancerOf(t, Config{Upstreams: []string{"x", "y"}, LoadBalancing: &LoadBalancing{Policy: &Policy{Name: "cookie", Field: "at", Secret: "s3cret"}}}),
	} {
		if _, replaced := visit(t, other, asking("GET"), cookie); replaced == nil {
			t.Errorf("%s: the cookie stays", name)
		}
	}
}

func TestACookieOverHTTPSIsSecure(t *testing.T) {
	direct, trusted, untrusted := asking("GET"), asking("GET"), asking("GET")
	direct.TLS = new(tls.ConnectionState)
	for r, trust := range map[*http.Request]bool{trusted: true, untrusted: false} {
		r.Header.Set("X-Forwarded-Proto", "https")
		*r = *request.With(r, &request.State{TrustedPeer: trust})
	}
	for r, secure := range map[*http.Request]bool{direct: true, trusted: true, untrusted: false} {
		_, cookie := visit(t, balancerOf(t, abc(&Policy{Name: "cookie"})), r)
		if cookie == nil || cookie.Secure != secure || secure != (cookie.SameSite == http.SameSiteNoneMode) {
			t.Errorf("secure: %v, cookie = %v", secure, cookie)
		}
	}
}

func TestTheCookieIsOfWhoAnsweredInTheEnd(t *testing.T) {
	b := balancerOf(t, abc(&Policy{Name: "cookie", Fallback: &Policy{Name: "first"}}))
	var turn turn
	turn.begin(b, asking("GET"))
	defer turn.end()
	_, _ = turn.next()
	turn.failed(errRefused, true)
	s, _ := turn.next()
	response := &http.Response{StatusCode: 200, Header: http.Header{}}
	turn.answered(response)
	if got := response.Cookies(); name(s) != "b" || len(got) != 1 || got[0].Value != b.servers[1].cookie {
		t.Errorf("%s answered, cookies are %v", name(s), got)
	}
}
