package server

import (
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// collect registers what every part counts.
func (s *Server) collect() (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	all := slices.Concat(s.certs.Collectors(), s.stapler.Collectors(), s.crl.Collectors(), s.acme.Collectors(), s.http.Collectors(), s.http.Upstreams().Collectors(), []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	})
	if s.cluster != nil {
		all = append(all, s.cluster.Collectors()...)
	}
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return registry, nil
}
