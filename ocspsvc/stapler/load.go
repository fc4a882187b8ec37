package stapler

import (
	"context"
	"runtime"
	"sync"
	"time"

	"dwaar/ocspsvc"
)

// Load pulls the catalog and attaches every stored staple that still counts,
// each verified as if it came from the network: the first handshake of a
// restart is stapled, also with a dead responder and past half-life (S1), and
// what was revoked still is. What is foreign, damaged, badly signed or expired
// is ignored and will be fetched (S14). It asks nobody, and returns when
// everything was looked at, or ctx's error when that ends first. Storage that is
// shared may be far and slow, so many records are read at a time, for loadPatience in
// all; Run looks at the rest while clients come.
//
// Call it before listening.
func (s *Service) Load(ctx context.Context) error {
	s.pull(false)
	if s.leases == nil {
		return s.loadAll(ctx, runtime.GOMAXPROCS(0))
	}
	bounded, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	if s.loadAll(bounded, loadsAtOnce) != nil && ctx.Err() == nil {
		s.log.Warn("shared storage is slow: some stored staples are looked for while clients come", "reason", ocspsvc.ReasonStoreError)
	}
	return ctx.Err()
}

// What a start asks of shared storage.
const (
	loadsAtOnce  = 32
	loadPatience = 10 * time.Second
)

func (s *Service) loadAll(ctx context.Context, atOnce int) error {
	todo := make(chan *certificate)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for c := range todo {
				s.recall(ctx, c)
				s.release(c)
			}
		})
	}
	for _, c := range s.everyone() {
		if s.claimUnless(c, func() bool { return c.recalled || c.quiet() != "" }) {
			todo <- c
		}
	}
	close(todo)
	workers.Wait()
	return ctx.Err()
}

// claimUnless claims c if it is idle and nothing, asked under the lock, stands
// against it.
func (s *Service) claimUnless(c *certificate, against func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.busy != nil || c.gone || against() {
		return false
	}
	s.claim(c)
	return true
}
