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

// office is a responder that can answer.
type office struct {
	*Loaded
	records *records
	signer  *responder.Signer
}

// build opens the database of l. Where patient, one that cannot be reached is
// opened later.
func build(ctx context.Context, l *Loaded, patient bool, log *slog.Logger) (*office, error) {
	log = log.With("responder", l.name)
	o := &office{Loaded: l, records: newRecords(l, log)}
	if err := o.records.tryOpen(ctx); err != nil {
		if !patient || !away(err) {
			return nil, err
		}
		log.Error("the responder's database is not there; answers are tryLater until it is", "err", err)
	}
	var err error
	if o.signer, err = responder.NewSigner(l.Answers, l.keys, o.records, log); err != nil {
		return nil, errors.Join(fmt.Errorf("signer: %w", err), o.records.close())
	}
	return o, nil
}

// Name is part of [running.Service].
func (o *office) Name() string { return o.name }

// Run is part of [running.Service].
func (o *office) Run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { o.records.run(ctx) })
	group.Go(func() { _ = o.signer.Run(ctx) }) // it has no error
	group.Wait()
}

// Close is part of [running.Service].
func (o *office) Close() error { return o.records.close() }

// Collectors is part of [running.Service].
func (o *office) Collectors() []prometheus.Collector { return o.signer.Collectors() }
