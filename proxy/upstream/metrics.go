package upstream

import "github.com/prometheus/client_golang/prometheus"

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("dwaar_upstream_"+name, help, []string{"upstream"}, nil)
}

var (
	healthyDesc  = describe("healthy", "Whether the upstream is used: 1, or 0 while checks keep it out of use.")
	inFlightDesc = describe("requests_in_flight", "Requests under way at the upstream.")
	requestsDesc = describe("requests_total", "Requests that the upstream was asked, retries included.")
	failuresDesc = describe("failures_total", "Requests that brought no response, or one that passive checks call unhealthy.")
)

// Collectors returns what is known about every upstream, labelled with its
// address:
//
//	dwaar_upstream_healthy{upstream}             1 or 0
//	dwaar_upstream_requests_in_flight{upstream}  requests under way
//	dwaar_upstream_requests_total{upstream}      requests that it was asked
//	dwaar_upstream_failures_total{upstream}      requests that failed
func (p *Pools) Collectors() []prometheus.Collector { return []prometheus.Collector{collector{p}} }

// collector looks at the upstreams when it is asked.
type collector struct{ pools *Pools }

// Describe implements [prometheus.Collector].
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{healthyDesc, inFlightDesc, requestsDesc, failuresDesc} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, s := range c.pools.Status() {
		healthy := 0.0
		if s.Healthy {
			healthy = 1
		}
		to <- prometheus.MustNewConstMetric(healthyDesc, prometheus.GaugeValue, healthy, s.Address)
		to <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(s.InFlight), s.Address)
		to <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, float64(s.Requests), s.Address)
		to <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(s.Failures), s.Address)
	}
}
