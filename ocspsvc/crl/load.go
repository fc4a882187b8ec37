package crl

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"dwaar/ocspsvc"
)

// Load pulls the catalog and reads the stored lists of its certificates, so
// that a start knows what is revoked before it listens, whatever has become of
// the servers. Each list is verified again. It asks nobody; what is missing or
// due is for Run. The only error is ctx's.
func (w *Watcher) Load(ctx context.Context) error {
	w.pull()
	work := make(chan *feed)
	var readers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			for f := range work {
				w.recall(ctx, f)
			}
		})
	}
	for _, f := range w.everyFeed() {
		work <- f
	}
	close(work)
	readers.Wait()
	return ctx.Err()
}

func (w *Watcher) everyFeed() (feeds []*feed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.feeds {
		feeds = append(feeds, f)
	}
	return feeds
}

// recall looks once for f's stored list, and takes it over if it verifies. It
// reports whether it did.
func (w *Watcher) recall(ctx context.Context, f *feed) bool {
	if ctx.Err() != nil || !w.claimRecall(f) {
		return false
	}
	h, err := w.restore(ctx, f)
	switch {
	case err == nil:
		return w.resume(f, h)
	case ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist):
		w.logIgnored(f, err)
	}
	return false
}

func (w *Watcher) claimRecall(f *feed) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !f.recalled
	f.recalled = true
	return first
}

// restore verifies a stored list. Its times do not matter: it was in time when
// it was stored, and who it lists stays revoked.
func (w *Watcher) restore(ctx context.Context, f *feed) (*held, error) {
	r, err := w.store.get(ctx, f.key, f.url)
	if err != nil {
		return nil, err
	}
	list, err := Read(r.body, f.issuer)
	if err != nil {
		return nil, err
	}
	return &held{list: list, sum: sha256.Sum256(r.body), refreshed: r.Refreshed, validators: validators{r.ETag, r.Modified}}, nil
}

// resume goes on with a stored list where the last process left off.
func (w *Watcher) resume(f *feed, h *held) bool {
	w.mu.Lock()
	if f.held != nil {
		w.mu.Unlock()
		return false
	}
	now := time.Now().Round(0)
	f.held, f.due = h, h.resumed(now, w.settings.Load().cfg.RefreshEvery)
	changed := w.judgeAll(f)
	w.unlock()
	for _, c := range changed {
		w.present(c, false)
	}
	return true
}

// resumed is when a stored list is due: as planned when it was read, and at
// once if that is over. A time that a wrong clock left is put right by next.
func (h *held) resumed(now time.Time, every time.Duration) time.Time {
	due := h.refreshed.Round(0).Add(sooner(h.interval(h.refreshed, every)))
	if h.ended(now) || due.Before(now) {
		return now
	}
	return due
}

// logIgnored says why a stored list does not count.
func (w *Watcher) logIgnored(f *feed, err error) {
	reason := ocspsvc.ReasonOf(err)
	if reason == "" {
		reason = ocspsvc.ReasonStoreError
	}
	w.log.Warn("stored CRL is ignored", "url", f.url, "reason", reason, "err", err)
}
