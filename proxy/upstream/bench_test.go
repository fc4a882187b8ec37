package upstream

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What choosing costs a request, without forwarding it.
func BenchmarkChoose(b *testing.B) {
	five := []string{"a", "b", "c", "d", "e"}
	checked := &PassiveHealth{FailDuration: 1 << 40, UnhealthyRequestCount: 100, UnhealthyStatus: []int{5}}
	retried := &LoadBalancing{Retries: 3, TryDuration: 1 << 40}
	for _, c := range []struct {
		name   string
		config Config
	}{
		{"one", Config{Upstreams: five[:1]}},
		{"one_checked_and_retried", Config{Upstreams: five[:1], PassiveHealth: checked, LoadBalancing: retried}},
		{"round_robin", Config{Upstreams: five}},
		{"round_robin_checked", Config{Upstreams: five, PassiveHealth: checked}},
		{"weighted_round_robin", with(five, &Policy{Name: "weighted_round_robin", Weights: []int{1, 2, 3, 4, 5}})},
		{"random", with(five, &Policy{Name: "random"})},
		{"random_choose", with(five, &Policy{Name: "random_choose", Choose: 2})},
		{"least_conn", with(five, &Policy{Name: "least_conn"})},
		{"ip_hash", with(five, &Policy{Name: "ip_hash"})},
		{"header", with(five, &Policy{Name: "header", Field: "X-Id"})},
		{"query", with(five, &Policy{Name: "query", Field: "id"})},
		{"cookie", with(five, &Policy{Name: "cookie", Secret: "s"})},
	} {
		b.Run(c.name, func(b *testing.B) {
			balancer := balancerOf(b, c.config)
			r := httptest.NewRequest(http.MethodGet, "http://x.test/path?id=7", nil)
			r.Header.Set("X-Id", "7")
			r.Header.Set("Cookie", "lb="+balancer.servers[0].cookie)
			response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}
			turn := new(turn) // a part of the exchange
			b.ReportAllocs()
			for b.Loop() {
				turn.begin(balancer, r)
				if _, err := turn.next(); err != nil {
					b.Fatal(err)
				}
				turn.answered(response)
				turn.end()
			}
		})
	}
}

func with(upstreams []string, p *Policy) Config {
	return Config{Upstreams: upstreams, LoadBalancing: &LoadBalancing{Policy: p}}
}

func TestChoosingAllocatesNothing(t *testing.T) {
	for _, cfg := range []Config{{Upstreams: []string{"a"}}, abc(nil), abc(&Policy{Name: "least_conn"}), abc(&Policy{Name: "ip_hash"})} {
		balancer, r := balancerOf(t, cfg), asking(http.MethodGet)
		response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}
		turn := new(turn)
		if n := testing.AllocsPerRun(100, func() {
			turn.begin(balancer, r)
			_, _ = turn.next()
			turn.answered(response)
			turn.end()
		}); n != 0 {
			t.Errorf("%v: %v allocations", cfg.LoadBalancing, n)
		}
	}
}
