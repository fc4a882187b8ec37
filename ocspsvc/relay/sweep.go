package relay

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"dwaar/ocspsvc"
)

// When storage is cleared of answers that have ended.
const (
	sweepFirst = 10 * time.Minute
	sweepEvery = 6 * time.Hour
)

// count finds out what storage has, so that it stays bounded.
func (s *shelf) count(ctx context.Context) {
	names, err := s.storage.List(ctx, folder, false)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
			s.log.Warn("listing stored OCSP answers", "reason", ocspsvc.ReasonStoreError, "err", err)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if k, ok := keyNamed(name); ok {
			if _, known := s.known[k]; !known {
				s.known[k] = time.Time{}
			}
		}
	}
}

// sweep deletes answers that have ended and damaged ones. What this package did
// not write is left alone. It looks before it deletes: another relay on the same
// storage may have written another one.
func (s *shelf) sweep(ctx context.Context) {
	s.count(ctx)
	now := time.Now().Round(0)
	deleted := 0
	for _, k := range s.over(now) {
		if ctx.Err() != nil {
			return
		}
		r, err := s.read(ctx, k)
		if err == nil && now.Before(r.answer.until) {
			s.learn(k, r.answer.until)
			continue
		}
		if err == nil || errors.Is(err, errCorrupt) {
			if err = s.storage.Delete(ctx, k.name()); err == nil {
				deleted++
			}
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			s.forget(k)
		}
	}
	if deleted > 0 {
		s.log.Info("deleted stored OCSP answers that have ended", "count", deleted)
	}
}

// over is what may have ended.
func (s *shelf) over(now time.Time) (keys []key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, until := range s.known {
		if !now.Before(until) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (s *shelf) learn(k key, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[k] = until
}

// appeared notes a record that another relay has written. When it ends is found out
// by a sweep.
func (s *shelf) appeared(k key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[k]; !known && len(s.known) < s.max {
		s.known[k] = time.Time{}
	}
}

func (s *shelf) forget(k key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, k)
}

// size is how many answers storage has.
func (s *shelf) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known)
}
