package responders

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

// Status is how a responder is doing.
type Status struct {
	Name     string     // the CAs it answers for
	Database certdb.DSN // which prints without its password
	responder.Status
}

// Status returns how all are doing, in the order of the configuration.
func (s *Set) Status() []Status {
	var all []Status
	for _, r := range s.listed() {
		all = append(all, Status{Name: r.as, Database: r.Records.Database, Status: r.signer.Status()})
	}
	return all
}

// Ready returns nil if all can answer for every certificate, else why not.
func (s *Set) Ready() error {
	var wrong []error
	for _, r := range s.listed() {
		if err := r.signer.Ready(); err != nil {
			wrong = append(wrong, fmt.Errorf("the OCSP responder for %s: %w", r.as, err))
		}
	}
	return errors.Join(wrong...)
}

// Show answers with the metrics of the responders that run now, and with others.
func (s *Set) Show(others prometheus.Gatherer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := s.metrics()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		promhttp.HandlerFor(append(all, others), promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}

// metrics are those of the responders that run now, told apart by the label
// responder.
func (s *Set) metrics() (prometheus.Gatherers, error) {
	var all prometheus.Gatherers
	for _, r := range s.listed() {
		registry := prometheus.NewRegistry()
		if err := r.register(registry, r.as); err != nil {
			return nil, err
		}
		all = append(all, registry)
	}
	return all, nil
}

// listed is a responder under a name that no other one has.
type listed struct {
	as string
	*running
}

func (s *Set) listed() []listed {
	seen := map[string]int{}
	var all []listed
	for _, r := range s.all() {
		seen[r.name]++
		as := r.name
		if n := seen[r.name]; n > 1 {
			as = fmt.Sprintf("%s #%d", as, n)
		}
		all = append(all, listed{as, r})
	}
	return all
}
