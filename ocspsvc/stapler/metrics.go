package stapler

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of a Service:
//
//	dwaar_ocsp_staples{state}                    certificates by state: fresh, stale or none
//	dwaar_ocsp_unstapled{reason}                 certificates without a servable staple, by reason word
//	dwaar_ocsp_must_staple_unstapled             of these, how many demand one (RFC 7633): should be 0
//	dwaar_ocsp_revoked                           certificates that count as revoked: should be 0
//	dwaar_ocsp_next_expiry_seconds               until the next staple ends, if nothing is refreshed; absent without staples
//	dwaar_ocsp_due                               certificates whose refresh is due and waits for its turn
//	dwaar_ocsp_responders_down                   responders that are left alone for a while because they fail
//	dwaar_ocsp_refreshes_total{result}           rounds by their outcome: good, revoked, or the reason word of the failure
//	dwaar_ocsp_store_errors_total                staples that are used but could not be stored
//	dwaar_ocsp_taken_over_total                  answers that another node has got, and that were taken over from storage

// counts are the counters; the gauges are read off when they are collected.
type counts struct {
	refreshes   *prometheus.CounterVec
	storeErrors prometheus.Counter
	takenOver   prometheus.Counter
}

func newCounts() *counts {
	return &counts{
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dwaar_ocsp_refreshes_total", Help: "OCSP refreshes by result: good, revoked, or why there was no usable answer.",
		}, []string{"result"}),
		storeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dwaar_ocsp_store_errors_total", Help: "Staples that could not be stored and are used all the same.",
		}),
		takenOver: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dwaar_ocsp_taken_over_total", Help: "OCSP answers of other nodes that were taken over from shared storage.",
		}),
	}
}

// Collectors returns the service's metrics, for the caller to register.
func (s *Service) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.counts.refreshes, s.counts.storeErrors, s.counts.takenOver, &gauges{
		service:    s,
		staples:    prometheus.NewDesc("dwaar_ocsp_staples", "Certificates by the state of their staple.", []string{"state"}, nil),
		unstapled:  prometheus.NewDesc("dwaar_ocsp_unstapled", "Certificates without a servable staple, by reason.", []string{"reason"}, nil),
		mustStaple: prometheus.NewDesc("dwaar_ocsp_must_staple_unstapled", "Must-staple certificates without a servable staple.", nil, nil),
		revoked:    prometheus.NewDesc("dwaar_ocsp_revoked", "Certificates that count as revoked.", nil, nil),
		expiry:     prometheus.NewDesc("dwaar_ocsp_next_expiry_seconds", "Seconds until the next staple ends.", nil, nil),
		due:        prometheus.NewDesc("dwaar_ocsp_due", "Certificates whose refresh waits for its turn.", nil, nil),
		down:       prometheus.NewDesc("dwaar_ocsp_responders_down", "Responders that are left alone because they fail.", nil, nil),
	}}
}

// gauges reads the state of a service when it is collected.
type gauges struct {
	service                                                    *Service
	staples, unstapled, mustStaple, revoked, expiry, due, down *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.staples, g.unstapled, g.mustStaple, g.revoked, g.expiry, g.due, g.down} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	t := g.service.take(time.Now())
	for _, state := range []State{Fresh, Stale, None} {
		send(g.staples, float64(t.states[state]), string(state))
	}
	for reason, n := range t.unstapled {
		send(g.unstapled, float64(n), reason)
	}
	send(g.mustStaple, float64(t.mustStaple))
	send(g.revoked, float64(t.revoked))
	send(g.due, float64(t.due))
	send(g.down, float64(t.down))
	if t.expiry > 0 {
		send(g.expiry, t.expiry.Seconds())
	}
}

// stock is a count of everything.
type stock struct {
	states                         map[State]int
	unstapled                      map[string]int
	mustStaple, revoked, due, down int
	expiry                         time.Duration // until the next staple ends; 0 if there is none
}

func (s *Service) take(now time.Time) stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := stock{states: map[State]int{}, unstapled: map[string]int{}}
	for _, c := range s.certs {
		t.add(c, now)
	}
	for _, l := range s.lanes {
		if !l.breaker.closed() {
			t.down++
		}
	}
	return t
}

func (t *stock) add(c *certificate, now time.Time) {
	state, reason := c.state(now)
	t.states[state]++
	if state != Fresh {
		t.unstapled[string(reason)]++
		if c.mustStaple {
			t.mustStaple++
		}
	}
	if c.held.revoked() && !c.disabled {
		t.revoked++
	}
	if c.place > 0 && !now.Before(c.due) {
		t.due++
	}
	if left := c.left(now); left > 0 && (t.expiry == 0 || left < t.expiry) {
		t.expiry = left
	}
}
