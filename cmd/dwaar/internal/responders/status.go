package responders

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

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
	for _, n := range s.Named() {
		all = append(all, Status{Name: n.Name, Database: n.Service.Records.Database, Status: n.Service.signer.Status()})
	}
	return all
}

// Ready returns nil if all can answer for every certificate, else why not.
func (s *Set) Ready() error {
	var wrong []error
	for _, n := range s.Named() {
		if err := n.Service.signer.Ready(); err != nil {
			wrong = append(wrong, fmt.Errorf("the OCSP responder for %s: %w", n.Name, err))
		}
	}
	return errors.Join(wrong...)
}

// Metrics are those of the responders that run now, told apart by the label
// responder.
func (s *Set) Metrics() (prometheus.Gatherers, error) { return s.Set.Metrics("responder") }
