package crl

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"dwaar/ocspsvc"
)

// Stored says that storage has something else under key, as another node has
// read it: Run verifies that list, and takes it over if it is newer. Keys that
// are not of a CRL in use are ignored, and "" stands for all. It never blocks;
// a list is looked at every few seconds at most, and one after the other.
func (w *Watcher) Stored(key string) {
	named, ours := keyOf(key)
	if !ours && key != "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, f := range w.feeds {
		if key == "" || k == named {
			f.noticed = true
		}
	}
	nudge(w.wake)
}

// lookEvery bounds how often one list is taken out of storage.
const lookEvery = 2 * time.Second

// look takes f's list from storage if another node may have read it, and it is
// newer. The caller has claimed f.
func (w *Watcher) look(ctx context.Context, f *feed) {
	if !w.mayHaveNews(f) {
		return
	}
	h, err := w.restore(ctx, f)
	switch known := w.heldBy(f); {
	case ctx.Err() != nil || errors.Is(err, fs.ErrNotExist):
		return
	case err == nil && known != nil && h.sum == known.sum:
		return
	case err == nil:
		err = w.refuses(f, h)
	}
	switch {
	case err == nil:
		w.adopt(f, h, "taken_over")
	case ocspsvc.ReasonOf(err) != ocspsvc.ReasonTooOld: // from a node that knows less
		w.logIgnored(f, err)
	}
}

func (w *Watcher) mayHaveNews(f *feed) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	may := f.noticed || !f.elsewhere.IsZero()
	f.noticed, f.looked = false, time.Now()
	return may && w.store.storage != nil
}
