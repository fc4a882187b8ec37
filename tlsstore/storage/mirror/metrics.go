package mirror

import (
	"github.com/prometheus/client_golang/prometheus"
)

// counts is what happened.
type counts struct {
	outages, localErrors, changes prometheus.Counter
	pushed                        *prometheus.CounterVec
}

func newCounts() *counts {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &counts{
		outages:     counter("dwaar_storage_outages_total", "How often the shared storage went down."),
		localErrors: counter("dwaar_storage_local_errors_total", "Failed writes to the local copy of the shared storage."),
		changes:     counter("dwaar_storage_changes_total", "Keys that other nodes have changed in the shared storage."),
		pushed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dwaar_storage_pushed_total",
			Help: "Answers of an outage, when the shared storage was back: stored, outdated by what it had, or refused.",
		}, []string{"result"}),
	}
}

// Collectors returns the metrics, for the caller to register:
//
//	dwaar_storage_up                   1 if the shared storage is used, 0 if it is down
//	dwaar_storage_owed                 answers that it does not have yet
//	dwaar_storage_whole                1 if the local copy has everything
//	dwaar_storage_outages_total        how often it went down
//	dwaar_storage_changes_total        keys that other nodes have changed
//	dwaar_storage_pushed_total{result} answers of an outage: stored, outdated, refused
//	dwaar_storage_local_errors_total   failed writes to the local copy
func (m *Mirror) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.counts.outages, m.counts.localErrors, m.counts.changes, m.counts.pushed, gauges{m}}
}

// gauges are Status, when it is asked for.
type gauges struct{ mirror *Mirror }

var (
	upDesc    = prometheus.NewDesc("dwaar_storage_up", "1 if the shared storage is used, 0 if it is down.", nil, nil)
	owedDesc  = prometheus.NewDesc("dwaar_storage_owed", "Answers that the shared storage does not have yet.", nil, nil)
	wholeDesc = prometheus.NewDesc("dwaar_storage_whole", "1 if the local copy of the shared storage has everything.", nil, nil)
)

// Describe implements prometheus.Collector.
func (gauges) Describe(out chan<- *prometheus.Desc) {
	out <- upDesc
	out <- owedDesc
	out <- wholeDesc
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	s := g.mirror.Status()
	send := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	send(upDesc, number(s.Up))
	send(owedDesc, float64(s.Owed))
	send(wholeDesc, number(s.Whole))
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
