package upstream_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/proxy/upstream"
)

func TestStatusAndMetricsTellOfEveryUpstreamOnce(t *testing.T) {
	busy, release := make(chan struct{}), make(chan struct{})
	good := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Wait") != "" {
			close(busy)
			<-release
		}
	})
	bad := unusedAddress(t)
	pools := upstream.NewPools()
	running(t, pools)
	lease := pools.Lease()
	t.Cleanup(lease.Release)
	h := handlerOver(t, lease, to(good))
	handlerOver(t, lease, to(good)) // another site, judging alike
	handlerOver(t, lease, checked(bad))
	handlerOver(t, lease, to(bad)) // another site, taking it for healthy
	lease.Start()
	for range 2 {
		if got := status(t, h); got != http.StatusOK {
			t.Fatal(got)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := httptest.NewRequest(http.MethodGet, "http://a.test/", nil)
		r.Header.Set("X-Wait", "1")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-busy
	eventually(t, "the bad one is found down", func() bool {
		for _, s := range pools.Status() {
			if s.Address == "http://"+bad {
				return !s.Healthy
			}
		}
		return false
	})
	got := gathered(t, pools)
	for metric, want := range map[string]float64{
		"dwaar_upstream_healthy http://" + good:            1,
		"dwaar_upstream_healthy http://" + bad:             0,
		"dwaar_upstream_requests_in_flight http://" + good: 1,
		"dwaar_upstream_requests_total http://" + good:     3,
		"dwaar_upstream_failures_total http://" + good:     0,
	} {
		if value, there := got[metric]; !there || value != want {
			t.Errorf("%s = %v, want %v, in %v", metric, value, want, got)
		}
	}
	close(release)
	<-done
	if s := pools.Status(); len(s) != 2 || s[0].InFlight+s[1].InFlight != 0 {
		t.Errorf("afterwards: %+v", s)
	}
}

// gathered is every metric as "name upstream" with its value.
func gathered(t *testing.T, pools *upstream.Pools) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(pools.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			values[family.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values
}
