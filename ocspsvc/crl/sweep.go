package crl

import (
	"context"
	"time"

	"dwaar/ocspsvc"
)

// sweepEvery is how often storage is cleared of lists that nobody needs any
// more, the first time sweepFirst after the start.
const (
	sweepEvery = 24 * time.Hour
	sweepFirst = 10 * time.Minute
)

func (w *Watcher) sweep(ctx context.Context) {
	timer := time.NewTimer(sweepFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := w.store.purge(ctx, time.Now().Round(0), w.keeps); err != nil && ctx.Err() == nil {
			w.log.Warn("clearing stored CRLs", "reason", ocspsvc.ReasonStoreError, "err", err)
		}
		timer.Reset(sweepEvery)
	}
}

func (w *Watcher) keeps(key feedKey) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.feeds[key] != nil
}
