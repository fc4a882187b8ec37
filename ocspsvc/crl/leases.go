package crl

import (
	"context"
	"encoding/hex"
	"time"
)

// Leases are locks by name which all nodes of a cluster see, so that one of
// them reads a CRL that has changed and not all. tlsstore/storage has them.
// Calls end with their context.
type Leases interface {
	// TryLock does not wait: false means that somebody else has the lease.
	TryLock(ctx context.Context, name string) (bool, error)
	Unlock(ctx context.Context, name string) error
}

// WithLeases makes the watcher one of several over the same storage: before it
// reads a CRL it takes its lease. What the node that has the lease stores, the
// others hear of by Stored, and take over. While leases fail it reads as if it
// were alone.
func WithLeases(l Leases) Option { return func(w *Watcher) { w.leases = l } }

const (
	leasePatience = 2 * time.Second  // for one call
	lookAgain     = 2 * time.Second  // at what another node reads
	overtime      = 30 * time.Second // after two timeouts that node must be stuck
)

func leaseName(key feedKey) string { return "crl_" + hex.EncodeToString(key[:]) }

// lease makes this the node that reads f, which the caller has claimed, and
// returns how to end that. It is refused while another node reads f, for as
// long as that may take.
func (w *Watcher) lease(ctx context.Context, f *feed) (giveBack func(), ours bool) {
	if w.leases == nil {
		return func() {}, true
	}
	bounded, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	got, err := w.leases.TryLock(bounded, leaseName(f.key))
	switch {
	case err != nil:
		w.log.Debug("reading a CRL without its lease", "url", f.url, "err", err)
		return func() {}, true
	case got:
		return func() { w.unlease(ctx, f) }, true
	}
	return func() {}, w.waitsTooLong(f, time.Now())
}

// unlease gives a lease back, at a shutdown too. One that stays ends by itself.
func (w *Watcher) unlease(ctx context.Context, f *feed) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), leasePatience)
	defer cancel()
	if err := w.leases.Unlock(bounded, leaseName(f.key)); err != nil {
		w.log.Debug("the lease of a CRL could not be given back", "url", f.url, "err", err)
	}
}

// waitsTooLong plans another look at f, which another node reads, unless it has
// done so for longer than any reading takes.
func (w *Watcher) waitsTooLong(f *feed, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.elsewhere.IsZero() {
		f.elsewhere = now
	}
	if now.Sub(f.elsewhere) > 2*w.settings.Load().cfg.Timeout+overtime {
		return true
	}
	f.due = now.Add(later(lookAgain)).Round(0)
	return false
}
