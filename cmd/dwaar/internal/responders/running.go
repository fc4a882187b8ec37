package responders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/ocspsvc/responder"
)

// running is a responder that can answer.
type running struct {
	*Loaded
	log     *slog.Logger
	records *records
	signer  *responder.Signer

	started bool               // owned by Set.Run
	stop    context.CancelFunc // owned by Set.Run
}

// build opens the database of l. Where patient, one that cannot be reached is
// opened later.
func build(ctx context.Context, l *Loaded, patient bool, log *slog.Logger) (*running, error) {
	log = log.With("responder", l.name)
	r := &running{Loaded: l, log: log, records: newRecords(l, log)}
	if err := r.records.tryOpen(ctx); err != nil {
		if !patient || !away(err) {
			return nil, err
		}
		log.Error("the responder's database is not there; answers are tryLater until it is", "err", err)
	}
	var err error
	if r.signer, err = responder.NewSigner(l.Answers, l.keys, r.records, log); err != nil {
		return nil, errors.Join(fmt.Errorf("signer: %w", err), r.records.close())
	}
	return r, nil
}

// run is all that goes on beside answering.
func (r *running) run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { r.records.run(ctx) })
	group.Go(func() { _ = r.signer.Run(ctx) }) // it has no error
	group.Wait()
}

// register registers what the responder counts, under a name.
func (r *running) register(registry *prometheus.Registry, name string) error {
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"responder": name}, registry)
	for _, c := range r.signer.Collectors() {
		if err := labelled.Register(c); err != nil {
			return fmt.Errorf("metrics of the responder for %s: %w", name, err)
		}
	}
	return nil
}
