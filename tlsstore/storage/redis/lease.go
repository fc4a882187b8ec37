package redis

import (
	"context"
	"sync"
	"time"
)

// lease is a lock of ours.
type lease struct {
	name, key, token string

	until time.Time // guarded by Store.mu: when others may have it, by our clock

	once  sync.Once
	ended chan struct{} // closed when it is not renewed any more
}

func (l *lease) end() { l.once.Do(func() { close(l.ended) }) }

// has reports whether a lock is held here, or was lost and not given back yet.
func (s *Store) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locks[name] != nil
}

// hold begins to renew a lock that was taken, unless the handle was closed meanwhile, or somebody
// here was faster and has lost it already.
func (s *Store) hold(l *lease, began time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.locks[l.name] != nil {
		return false
	}
	l.until = began.Add(s.cfg.Lease)
	s.locks[l.name] = l
	s.calls.Go(func() { s.renew(l) })
	return true
}

// drop forgets a lock, and returns it if there was one.
func (s *Store) drop(name string) *lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.locks[name]
	if l != nil {
		l.end()
		delete(s.locks, name)
	}
	return l
}

// renew extends a lease at each third of it. A lease that somebody else has, or that could not
// be extended in time, is lost: what is done under it changes nothing any more.
func (s *Store) renew(l *lease) {
	ticker := time.NewTicker(s.cfg.Lease / 3)
	defer ticker.Stop()
	until := l.until
	for {
		select {
		case <-l.ended:
			return
		case <-ticker.C:
		}
		began := time.Now()
		ours, err := s.extend(l, until)
		switch {
		case ended(l):
			return
		case err == nil && ours:
			until = began.Add(s.cfg.Lease)
			s.setUntil(l, until)
		case err == nil || !time.Now().Before(until):
			s.setUntil(l, time.Time{})
			s.log.Warn("a lock was lost before it was given back", "lock", l.name, "err", err)
			return
		}
	}
}

func ended(l *lease) bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// extend tells the server that we live.
func (s *Store) extend(l *lease, until time.Time) (bool, error) {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	return call(ctx, s, 0, func(ctx context.Context) (bool, error) {
		return s.run(ctx, extendScript, []string{l.key}, l.token, s.cfg.Lease.Milliseconds()).Bool()
	}, nil)
}

func (s *Store) setUntil(l *lease, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.until = until
}
