package proxy

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of a Server, of requests only if its configuration has Metrics:
//
//	dwaar_http_requests_total{listener,code}           requests to sites by class of their status: 1xx to 5xx, or none for an answer that broke off before it began
//	dwaar_http_request_duration_seconds{listener,code} how long they took, the answer's body included
//	dwaar_http_requests_in_flight{listener}            requests being handled, upgraded connections included
//	dwaar_access_log_lost_total                        requests that no access log took
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
}

// classes are the values of code.
var classes = [6]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

func newMetrics() *metrics {
	labels := []string{"listener", "code"}
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dwaar_http_requests_total", Help: "Requests to sites, by class of their status.",
		}, labels),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dwaar_http_request_duration_seconds", Help: "How long requests took, the answer's body included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, labels),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dwaar_http_requests_in_flight", Help: "Requests being handled.",
		}, labels[:1]),
	}
}

// Collectors are the server's metrics, to be registered once.
func (s *Server) Collectors() []prometheus.Collector {
	lost := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "dwaar_access_log_lost_total", Help: "Requests that no access log took.",
	}, func() float64 { return float64(s.logs.Lost()) })
	return []prometheus.Collector{s.metrics.requests, s.metrics.duration, s.metrics.inFlight, lost}
}

// counts are the metrics of one listener, found once: a request looks nothing up.
type counts struct {
	inFlight prometheus.Gauge
	by       [len(classes)]struct {
		requests prometheus.Counter
		duration prometheus.Observer
	}
}

func (m *metrics) of(listener string) *counts {
	c := &counts{inFlight: m.inFlight.WithLabelValues(listener)}
	for i, class := range classes {
		c.by[i].requests = m.requests.WithLabelValues(listener, class)
		c.by[i].duration = m.duration.WithLabelValues(listener, class)
	}
	return c
}

// forget drops a listener that has left the configuration.
func (m *metrics) forget(listener string) {
	gone := prometheus.Labels{"listener": listener}
	m.requests.DeletePartialMatch(gone)
	m.duration.DeletePartialMatch(gone)
	m.inFlight.DeletePartialMatch(gone)
}

// end counts a request that began with inFlight.Inc.
func (c *counts) end(status int, started time.Time) {
	class := 0
	if status >= 100 && status < 600 {
		class = status / 100
	}
	c.inFlight.Dec()
	c.by[class].requests.Inc()
	c.by[class].duration.Observe(time.Since(started).Seconds())
}

// exposition is who shows all metrics of the program, if there is anybody.
type exposition struct{ handler atomic.Pointer[http.Handler] }

// SetMetrics sets what the directive metrics answers with. Without it, that
// answers 404.
func (s *Server) SetMetrics(h http.Handler) { s.exposition.handler.Store(&h) }

// ServeHTTP implements [http.Handler].
func (e *exposition) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := e.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}
