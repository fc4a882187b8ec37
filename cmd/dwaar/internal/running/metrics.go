package running

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Named is a service under a name that no other one of its set has.
type Named[S Service] struct {
	Name    string
	Service S
}

// Named are the services that run.
func (s *Set[S]) Named() []Named[S] {
	seen := map[string]int{}
	var all []Named[S]
	for _, service := range s.All() {
		name := service.Name()
		seen[name]++
		if n := seen[name]; n > 1 {
			name = fmt.Sprintf("%s #%d", name, n)
		}
		all = append(all, Named[S]{name, service})
	}
	return all
}

// Metrics are those of the services that run now, told apart by a label that
// has their names.
func (s *Set[S]) Metrics(label string) (prometheus.Gatherers, error) {
	var all prometheus.Gatherers
	for _, n := range s.Named() {
		registry := prometheus.NewRegistry()
		labelled := prometheus.WrapRegistererWith(prometheus.Labels{label: n.Name}, registry)
		for _, c := range n.Service.Collectors() {
			if err := labelled.Register(c); err != nil {
				return nil, fmt.Errorf("metrics of the %s %s: %w", label, n.Name, err)
			}
		}
		all = append(all, registry)
	}
	return all, nil
}

// Metered has metrics that come and go.
type Metered interface {
	Metrics() (prometheus.Gatherers, error)
}

// Show answers with metrics: with others, and with those there are at the time.
func Show(others prometheus.Gatherer, metered ...Metered) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all := prometheus.Gatherers{others}
		for _, m := range metered {
			some, err := m.Metrics()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			all = append(all, some...)
		}
		promhttp.HandlerFor(all, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}
