package crl

import (
	"context"
	"errors"
	"time"
)

// ErrNotChecked is returned for a leaf that the catalog does not have, or whose
// CRL is not read: Status says why.
var ErrNotChecked = errors.New("not a certificate whose CRL is read")

// Refresh reads the CRL of leaf now, whatever its schedule and the back-off of
// its server, and returns the leaf's status afterwards. Of several URLs it ends
// with the first that settles the matter. The error is why the last one brought
// no usable list, ErrNotChecked, or ctx's.
func (w *Watcher) Refresh(ctx context.Context, leaf Fingerprint) (Status, error) {
	feeds, err := w.feedsOf(leaf), ErrNotChecked
	for _, f := range feeds {
		if err = w.readNow(ctx, f); err == nil && w.settles(f, leaf) {
			break
		}
	}
	return w.Status(leaf), err
}

func (w *Watcher) feedsOf(leaf Fingerprint) []*feed {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.certs[leaf]; c != nil && c.group != nil {
		return c.group.feeds // never changes
	}
	return nil
}

func (w *Watcher) settles(f *feed, leaf Fingerprint) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.certs[leaf]
	return c == nil || c.group == nil || f.serves(c.group, time.Now().Round(0))
}

// shared is for how long the outcome of a reading by hand is that of others who
// ask: ten thousand certificates of one list read it once or twice.
const shared = time.Second

// readNow reads f by hand, after a reading that is going on. One whose caller
// gives up changes nothing.
func (w *Watcher) readNow(ctx context.Context, f *feed) error {
	if err := w.claimByHand(ctx, f); err != nil {
		return err
	}
	defer w.release(f)
	if err, read := w.justRead(f); read {
		return err
	}
	w.recall(ctx, f) // so that an older list is recognised as one
	err := w.refresh(ctx, f)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		w.fail(f, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f.byHand = time.Now()
	return err
}

func (w *Watcher) justRead(f *feed) (outcome error, read bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f.trouble, !f.byHand.IsZero() && time.Since(f.byHand) < shared
}

// claim makes f busy, unless it is: then it returns what to wait for.
func (w *Watcher) claim(f *feed) (busy <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.busy != nil {
		return f.busy
	}
	f.busy = make(chan struct{})
	return nil
}

func (w *Watcher) release(f *feed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(f.busy)
	f.busy = nil
	nudge(w.wake)
}

func (w *Watcher) claimByHand(ctx context.Context, f *feed) error {
	for busy := w.claim(f); busy != nil; busy = w.claim(f) {
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
