package acme

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of a Manager:
//
//	dwaar_acme_names{state}                      names by state: missing, valid, expired, revoked
//	dwaar_acme_failing                           names whose last attempt failed: should be 0
//	dwaar_acme_reissues_waiting                  revoked certificates that are not replaced yet: should be 0
//	dwaar_acme_due                               jobs that are due and wait for their turn
//	dwaar_acme_on_demand_names                   on-demand names that are kept
//	dwaar_acme_on_demand_waiting                 clients that wait for an on-demand certificate
//	dwaar_acme_attempts_total{job,result}        attempts: job obtain, renew, reissue, quarantine or save (of what was issued before); result ok, adopted (somebody else had done it) or failed; job look if that was noticed from storage
//	dwaar_acme_renewal_info_total{result}        questions for the CA's renewal window: ok or failed
//	dwaar_acme_revocations_total                 certificates that turned out to be revoked
//	dwaar_acme_on_demand_total{result}           calls of Obtain: ok, bad_name, not_permitted, not_asked, busy, pending, gave_up or failed

// counts are the counters; the gauges are read off when they are collected.
type counts struct {
	attempts, inquiries, demands *prometheus.CounterVec
	revocations                  prometheus.Counter
}

func newCounts() *counts {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &counts{
		attempts:  vec("dwaar_acme_attempts_total", "Attempts to get or put away certificates, by job and result.", "job", "result"),
		inquiries: vec("dwaar_acme_renewal_info_total", "Questions for the CA's renewal window, by result.", "result"),
		demands:   vec("dwaar_acme_on_demand_total", "On-demand certificates asked for, by result.", "result"),
		revocations: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dwaar_acme_revocations_total", Help: "Certificates that turned out to be revoked.",
		}),
	}
}

func (c *counts) count(t *task, r result) {
	outcome := "ok"
	switch {
	case r.err != nil:
		outcome = "failed"
	case r.adopted:
		outcome = "adopted"
	}
	if errors.Is(r.err, errElsewhere) {
		return // it is no attempt yet
	}
	switch t.job {
	case ask: // seen by those who wait
	case look:
		if r.adopted {
			c.attempts.WithLabelValues(string(look), outcome).Inc()
		}
	case inquire:
		c.inquiries.WithLabelValues(outcome).Inc()
	default:
		c.attempts.WithLabelValues(string(t.job), outcome).Inc()
	}
}

// demand counts a call of Obtain.
func (c *counts) demand(err error) {
	result := "failed"
	for _, known := range []struct {
		err  error
		word string
	}{
		{nil, "ok"}, {ErrBadName, "bad_name"}, {ErrNotPermitted, "not_permitted"}, {ErrNotAsked, "not_asked"}, {ErrBusy, "busy"},
		{ErrPending, "pending"}, {context.Canceled, "gave_up"}, {context.DeadlineExceeded, "gave_up"},
	} {
		if errors.Is(err, known.err) {
			result = known.word
			break
		}
	}
	c.demands.WithLabelValues(result).Inc()
}

// Collectors returns the manager's metrics, for the caller to register.
func (m *Manager) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.counts.attempts, m.counts.inquiries, m.counts.demands, m.counts.revocations, gauges{m}}
}

// gauges reads the state of a manager when it is collected.
type gauges struct{ manager *Manager }

var (
	namesDesc    = prometheus.NewDesc("dwaar_acme_names", "Names by the state of their certificate.", []string{"state"}, nil)
	failingDesc  = prometheus.NewDesc("dwaar_acme_failing", "Names whose last attempt failed.", nil, nil)
	reissuesDesc = prometheus.NewDesc("dwaar_acme_reissues_waiting", "Revoked certificates that are not replaced yet.", nil, nil)
	dueDesc      = prometheus.NewDesc("dwaar_acme_due", "Jobs that are due and wait for their turn.", nil, nil)
	demandsDesc  = prometheus.NewDesc("dwaar_acme_on_demand_names", "On-demand names that are kept.", nil, nil)
	waitingDesc  = prometheus.NewDesc("dwaar_acme_on_demand_waiting", "Clients that wait for an on-demand certificate.", nil, nil)
)

// Describe implements prometheus.Collector.
func (gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{namesDesc, failingDesc, reissuesDesc, dueDesc, demandsDesc, waitingDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	t := g.manager.takeStock(time.Now().Round(0))
	for _, state := range []State{Missing, Valid, Expired, Revoked} {
		send(namesDesc, t.states[state], string(state))
	}
	send(failingDesc, t.failing)
	send(reissuesDesc, t.states[Revoked])
	send(dueDesc, t.due)
	send(demandsDesc, t.demands)
	send(waitingDesc, t.waiters)
}

// stock is a count of everything.
type stock struct {
	states                         map[State]int
	failing, due, demands, waiters int
}

func (m *Manager) takeStock(now time.Time) stock {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := stock{states: map[State]int{}, demands: m.demands, waiters: m.waiters}
	for _, e := range m.entries {
		t.states[e.state(now)]++
		if e.trouble != nil {
			t.failing++
		}
	}
	for _, l := range m.lanes {
		t.due += len(l.ready) + len(l.reissues)
	}
	return t
}
