package crl

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of a Watcher:
//
//	dwaar_crl_certificates{state}     certificates that are checked, by state: good, revoked or none
//	dwaar_crl_unchecked{reason}       of these, the ones of which nothing is known, by reason word: should be empty
//	dwaar_crl_lists                   lists that are held
//	dwaar_crl_entries                 revoked certificates that they name
//	dwaar_crl_failing                 feeds whose last reading failed, of those that are needed
//	dwaar_crl_next_expiry_seconds     until the next list ends, if none is read; absent without lists
//	dwaar_crl_refreshes_total{result} readings by their outcome: good, unchanged, taken_over, or the reason word of the failure
//	dwaar_crl_store_errors_total      lists that are used but could not be stored

// counts are the counters; the gauges are read off when they are collected.
type counts struct {
	refreshes   *prometheus.CounterVec
	storeErrors prometheus.Counter
}

func newCounts() *counts {
	return &counts{
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dwaar_crl_refreshes_total", Help: "Readings of CRLs by result: good, unchanged, taken_over from another node, or why there was no usable list.",
		}, []string{"result"}),
		storeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dwaar_crl_store_errors_total", Help: "CRLs that could not be stored and are used all the same.",
		}),
	}
}

// Collectors returns the watcher's metrics, for the caller to register.
func (w *Watcher) Collectors() []prometheus.Collector {
	return []prometheus.Collector{w.counts.refreshes, w.counts.storeErrors, &gauges{
		watcher:      w,
		certificates: prometheus.NewDesc("dwaar_crl_certificates", "Certificates that are checked against a CRL, by state.", []string{"state"}, nil),
		unchecked:    prometheus.NewDesc("dwaar_crl_unchecked", "Certificates of which their CRL says nothing, by reason.", []string{"reason"}, nil),
		lists:        prometheus.NewDesc("dwaar_crl_lists", "CRLs that are held.", nil, nil),
		entries:      prometheus.NewDesc("dwaar_crl_entries", "Revoked certificates that the held CRLs name.", nil, nil),
		failing:      prometheus.NewDesc("dwaar_crl_failing", "CRLs that are needed and whose last reading failed.", nil, nil),
		expiry:       prometheus.NewDesc("dwaar_crl_next_expiry_seconds", "Seconds until the next held CRL ends.", nil, nil),
	}}
}

// gauges reads the state of a watcher when it is collected.
type gauges struct {
	watcher                                                  *Watcher
	certificates, unchecked, lists, entries, failing, expiry *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.certificates, g.unchecked, g.lists, g.entries, g.failing, g.expiry} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	t := g.watcher.take(time.Now().Round(0))
	for _, state := range []State{Good, Revoked, None} {
		send(g.certificates, float64(t.states[state]), string(state))
	}
	for reason, n := range t.unchecked {
		send(g.unchecked, float64(n), reason)
	}
	send(g.lists, float64(t.lists))
	send(g.entries, float64(t.entries))
	send(g.failing, float64(t.failing))
	if t.expiry > 0 {
		send(g.expiry, t.expiry.Seconds())
	}
}

// stock is a count of everything.
type stock struct {
	states                  map[State]int
	unchecked               map[string]int
	lists, entries, failing int
	expiry                  time.Duration // until the next list ends; 0 if there is none
}

func (w *Watcher) take(now time.Time) stock {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := stock{states: map[State]int{}, unchecked: map[string]int{}}
	for _, c := range w.certs {
		if c.group != nil {
			t.add(c, now)
		}
	}
	for _, f := range w.feeds {
		t.addFeed(f, now)
	}
	return t
}

func (t *stock) add(c *certificate, now time.Time) {
	state, reason := c.state(now)
	t.states[state]++
	if state == None {
		t.unchecked[string(reason)]++
	}
}

func (t *stock) addFeed(f *feed, now time.Time) {
	if f.trouble != nil && f.wanted(now) {
		t.failing++
	}
	if f.held == nil {
		return
	}
	t.lists++
	t.entries += f.held.list.Len()
	if left := f.held.list.NextUpdate.Sub(now); left > 0 && (t.expiry == 0 || left < t.expiry) {
		t.expiry = left
	}
}
