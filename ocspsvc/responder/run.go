package responder

import (
	"context"
	"math/big"
	"sync"
	"time"
)

// How often the database is asked whether it is there, and how long after a
// failure it is asked again to tell of changes.
const (
	pingEvery  = 5 * time.Second
	watchAgain = 5 * time.Second
)

// Run watches the signers' dates, the database and its changes, and presigns if
// that is on, until ctx ends. It returns nil.
func (s *Signer) Run(ctx context.Context) error {
	jobs := []func(context.Context){s.watchSigners}
	if records, ok := s.records.(Pinger); ok {
		jobs = append(jobs, func(ctx context.Context) { s.ping(ctx, records) })
	}
	if records, ok := s.records.(Watcher); ok {
		jobs = append(jobs, func(ctx context.Context) { s.watch(ctx, records) })
	}
	if records, ok := s.records.(Lister); ok && s.cfg.Presign {
		jobs = append(jobs, func(ctx context.Context) { s.presign(ctx, records) })
	}
	var running sync.WaitGroup
	for _, job := range jobs {
		running.Go(func() { job(ctx) })
	}
	running.Wait()
	return nil
}

// sleep waits, and reports whether ctx is still there.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// ping keeps readiness up to date while nobody asks.
func (s *Signer) ping(ctx context.Context, records Pinger) {
	for {
		within, cancel := context.WithTimeout(ctx, readTimeout)
		err := records.Ping(within)
		cancel()
		if ctx.Err() != nil {
			return
		}
		s.db.note(err, time.Now())
		if !sleep(ctx, pingEvery) {
			return
		}
	}
}

// watch has changed records read again at once. What it misses while it cannot
// watch is noticed within a second all the same.
func (s *Signer) watch(ctx context.Context, records Watcher) {
	byID := make(map[IssuerID]*authority, len(s.authorities))
	for _, a := range s.authorities {
		byID[a.id] = a
	}
	for {
		err := records.Watch(ctx, func(issuer IssuerID, serial *big.Int) {
			switch a := byID[issuer]; {
			case a == nil:
			case serial == nil:
				s.cache.doubtAll()
			default:
				s.cache.doubt(a.keyOf(serial))
			}
		})
		if ctx.Err() != nil {
			return
		}
		s.log.Debug("watching the responder's database", "err", err)
		if !sleep(ctx, watchAgain) {
			return
		}
	}
}
