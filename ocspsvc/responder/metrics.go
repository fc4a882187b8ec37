package responder

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of a Signer:
//
//	dwaar_ocsp_responder_answers_total{status}         answers by what they say: good, revoked, unknown, several, or the OCSP error
//	dwaar_ocsp_responder_signatures_total              signatures made: what an answer from the cache does not need
//	dwaar_ocsp_responder_cache_hits_total              answers from the cache
//	dwaar_ocsp_responder_database_reads_total{result}  records read: found, none, bad or failed
//	dwaar_ocsp_responder_shed_total{reason}            requests answered by tryLater for lack of room in the queue, rate
//	                                                   for unissued serials (unissued_rate) or an answer of the database
//	dwaar_ocsp_responder_cache_entries                 certificates in the cache
//	dwaar_ocsp_responder_cache_bytes                   what they take, about
//	dwaar_ocsp_responder_database_up                   0 while the records cannot be read
//	dwaar_ocsp_responder_signer_expiry_seconds{issuer,issuer_id} until the signer's certificate ends;
//	                                                   issuers may have the same name, so they have an ID too

// counts are the counters; the gauges are read off when they are collected.
type counts struct {
	signatures, hits    prometheus.Counter
	answers, reads      *prometheus.CounterVec
	shed                *prometheus.CounterVec
	good, revoked, none prometheus.Counter // of answers
}

func newCounts() *counts {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "dwaar_ocsp_responder_" + name, Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dwaar_ocsp_responder_" + name, Help: help}, []string{label})
	}
	c := &counts{
		signatures: counter("signatures_total", "OCSP responses signed."),
		hits:       counter("cache_hits_total", "OCSP requests answered from the cache."),
		answers:    vector("answers_total", "OCSP requests by what they were answered: a status or an OCSP error.", "status"),
		reads:      vector("database_reads_total", "Records read from the database, by result.", "result"),
		shed:       vector("shed_total", "OCSP requests answered by tryLater, by what there was no room for.", "reason"),
	}
	c.good, c.revoked, c.none = c.answers.WithLabelValues("good"), c.answers.WithLabelValues("revoked"), c.answers.WithLabelValues("unknown")
	return c
}

// answer counts an answer by its word.
func (c *counts) answer(word string) {
	switch word {
	case "good":
		c.good.Inc()
	case "revoked":
		c.revoked.Inc()
	case "unknown":
		c.none.Inc()
	default:
		c.answers.WithLabelValues(word).Inc()
	}
}

// Collectors returns the signer's metrics, for the caller to register.
func (s *Signer) Collectors() []prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("dwaar_ocsp_responder_"+name, help, labels, nil)
	}
	return []prometheus.Collector{s.counts.signatures, s.counts.hits, s.counts.answers, s.counts.reads, s.counts.shed, &gauges{
		signer:  s,
		entries: desc("cache_entries", "Certificates with answers in the cache."),
		bytes:   desc("cache_bytes", "About how many octets the cache takes."),
		up:      desc("database_up", "0 while the responder's records cannot be read."),
		expiry:  desc("signer_expiry_seconds", "Seconds until the certificate ends that signs for an issuer.", "issuer", "issuer_id"),
	}}
}

// gauges reads the state of a signer when it is collected.
type gauges struct {
	signer                     *Signer
	entries, bytes, up, expiry *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.entries, g.bytes, g.up, g.expiry} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	entries, bytes := g.signer.cache.size()
	send(g.entries, float64(entries))
	send(g.bytes, float64(bytes))
	up := 1.0
	if _, err := g.signer.db.state(); err != nil {
		up = 0
	}
	send(g.up, up)
	for _, a := range g.signer.authorities {
		send(g.expiry, time.Until(a.ends()).Seconds(), a.Issuer.Subject.String(), a.id.String()[:16])
	}
}
