package relay

import "github.com/prometheus/client_golang/prometheus"

// The metrics of a Relay:
//
//	dwaar_ocsp_relay_hits_total                 requests answered from memory
//	dwaar_ocsp_relay_misses_total{result}       other requests: fetched, passed, foreign, full, limited, left, malformed, or
//	                                            the OCSP error they got: tryLater or unauthorized
//	dwaar_ocsp_relay_upstream_total{result}     what responders were asked: good, revoked, unknown, passed, or the reason
//	                                            word of the failure
//	dwaar_ocsp_relay_loaded_total               answers taken from storage
//	dwaar_ocsp_relay_store_errors_total         answers that could not be stored and are relayed all the same
//	dwaar_ocsp_relay_answers{kind}              certificates in memory: prefetched or asked
//	dwaar_ocsp_relay_bytes                      what those that were asked for take, about
//	dwaar_ocsp_relay_stored                     answers in storage
//	dwaar_ocsp_relay_responders_down            issuers whose responder is left alone because it fails

// counts are the counters; the gauges are read off when they are collected.
type counts struct {
	hits, loaded, storeErrors prometheus.Counter
	misses, asked             *prometheus.CounterVec
}

func newCounts() *counts {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "dwaar_ocsp_relay_" + name, Help: help})
	}
	vector := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dwaar_ocsp_relay_" + name, Help: help}, []string{"result"})
	}
	return &counts{
		hits:        counter("hits_total", "OCSP requests answered from memory."),
		loaded:      counter("loaded_total", "OCSP answers taken from storage."),
		storeErrors: counter("store_errors_total", "OCSP answers that could not be stored and are relayed all the same."),
		misses:      vector("misses_total", "OCSP requests that memory had no answer for, by what became of them."),
		asked:       vector("upstream_total", "Requests to OCSP responders by result: a status, or why there was no usable answer."),
	}
}

func (c *counts) result(word string)   { c.misses.WithLabelValues(word).Inc() }
func (c *counts) upstream(word string) { c.asked.WithLabelValues(word).Inc() }

// Collectors returns the relay's metrics, for the caller to register.
func (r *Relay) Collectors() []prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("dwaar_ocsp_relay_"+name, help, labels, nil)
	}
	return []prometheus.Collector{r.counts.hits, r.counts.loaded, r.counts.storeErrors, r.counts.misses, r.counts.asked, &gauges{
		relay:   r,
		answers: desc("answers", "Certificates with a place in memory, by kind.", "kind"),
		bytes:   desc("bytes", "About how many octets the answers take that were asked for."),
		stored:  desc("stored", "OCSP answers in storage."),
		down:    desc("responders_down", "Issuers whose OCSP responder is left alone because it fails."),
	}}
}

// gauges reads the state of a relay when it is collected.
type gauges struct {
	relay                        *Relay
	answers, bytes, stored, down *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.answers, g.bytes, g.stored, g.down} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	status := g.relay.Status()
	down := 0
	for _, i := range status.Issuers {
		if i.Error != "" {
			down++
		}
	}
	send(g.answers, status.Prefetched, "prefetched")
	send(g.answers, status.Asked, "asked")
	send(g.bytes, int(status.Bytes))
	send(g.stored, status.Stored)
	send(g.down, down)
}
