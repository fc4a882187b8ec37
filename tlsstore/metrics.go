package tlsstore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters handshakes touch; each is one atomic addition.
type metrics struct {
	handshakes                       *prometheus.CounterVec
	stapled, unstapled, notRequested prometheus.Counter

	refusals *prometheus.CounterVec
	refused  map[refusal]prometheus.Counter
}

func newMetrics() *metrics {
	handshakes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dwaar_tls_handshakes_total",
		Help: "Certificates shown in handshakes: with a staple, without although the client asked, or to a client that did not ask. A resumed TLS 1.3 session shows none.",
	}, []string{"staple"})
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dwaar_tls_refused_total",
		Help: "Handshakes that got an alert instead of a certificate, by reason: unknown_name, on_demand, busy, revoked, must_staple, load_failed.",
	}, []string{"reason"})
	m := &metrics{
		handshakes:   handshakes,
		stapled:      handshakes.WithLabelValues("stapled"),
		unstapled:    handshakes.WithLabelValues("missing"),
		notRequested: handshakes.WithLabelValues("not_requested"),
		refusals:     refusals,
		refused:      make(map[refusal]prometheus.Counter),
	}
	for _, reason := range []refusal{unknownName, notObtained, crowded, revoked, noStaple, loadFailed} {
		m.refused[reason] = refusals.WithLabelValues(string(reason))
	}
	return m
}

// Collectors returns what the store counts:
//
//	dwaar_tls_handshakes_total{staple}        certificates shown: stapled, missing, not_requested
//	dwaar_tls_refused_total{reason}           handshakes refused
//	dwaar_tls_certificates                    certificates served; what waits does not count
//	dwaar_tls_certificates_revoked            of these, known to be revoked
//	dwaar_tls_must_staple_alarms              of these, must-staple and served without a staple
//	dwaar_tls_soonest_expiry_timestamp_seconds  when the first of these expires; absent without any
func (s *Store) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.metrics.handshakes, s.metrics.refusals, catalogCollector{s}}
}

// catalogCollector counts the catalog when it is asked.
type catalogCollector struct{ store *Store }

var (
	certificatesDesc = prometheus.NewDesc("dwaar_tls_certificates", "Certificates served.", nil, nil)
	revokedDesc      = prometheus.NewDesc("dwaar_tls_certificates_revoked", "Served certificates known to be revoked.", nil, nil)
	alarmsDesc       = prometheus.NewDesc("dwaar_tls_must_staple_alarms", "Must-staple certificates served without a staple.", nil, nil)
	expiryDesc       = prometheus.NewDesc("dwaar_tls_soonest_expiry_timestamp_seconds", "When the first of the served certificates expires.", nil, nil)
)

// Describe implements prometheus.Collector.
func (catalogCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{certificatesDesc, revokedDesc, alarmsDesc, expiryDesc} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c catalogCollector) Collect(ch chan<- prometheus.Metric) {
	var certificates, revoked, alarms int
	var soonest time.Time
	for r := range c.store.Catalog() {
		if r.Waiting {
			continue
		}
		certificates++
		if r.Revoked {
			revoked++
		}
		if r.Alarm {
			alarms++
		}
		if soonest.IsZero() || r.NotAfter.Before(soonest) {
			soonest = r.NotAfter
		}
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	gauge(certificatesDesc, float64(certificates))
	gauge(revokedDesc, float64(revoked))
	gauge(alarmsDesc, float64(alarms))
	if !soonest.IsZero() {
		gauge(expiryDesc, float64(soonest.Unix()))
	}
}
