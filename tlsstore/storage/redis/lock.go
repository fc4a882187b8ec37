package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	mathrand "math/rand/v2"

	"dwaar/tlsstore/storage"
)

// A waiting Lock looks again after lockPoll, then after twice that, up to lockPollMax, each
// time a little sooner or later than the others that wait.
const (
	lockPoll    = 10 * time.Millisecond
	lockPollMax = 500 * time.Millisecond
)

// Lock implements storage.Locker. The lock is a key with a time to live, which is renewed for
// as long as this process lives: when it dies, the lock is free after Config.Lease.
func (s *Store) Lock(ctx context.Context, name string) error {
	for wait := lockPoll; ; wait = min(2*wait, lockPollMax) {
		ok, err := s.TryLock(ctx, name)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("locking %s: %w", name, ctx.Err())
		case <-time.After(wait/2 + mathrand.N(wait)):
		}
	}
}

// TryLock implements storage.Locker. A lock that was lost is not to be had in this process until
// its holder has given it back: locks go by names, and the next one's would be taken for it.
func (s *Store) TryLock(ctx context.Context, name string) (bool, error) {
	clean, err := cleanLock(name)
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	// The token is random, not a counter: a server that has lost its last second gives out the
	// same number twice.
	l := &lease{name: clean, key: s.name("l:" + clean), token: rand.Text(), ended: make(chan struct{})}
	if s.has(clean) {
		return false, ctx.Err()
	}
	began := time.Now()
	ok, err := call(ctx, s, 0, func(ctx context.Context) (bool, error) {
		return s.run(ctx, lockScript, []string{l.key}, l.token, s.cfg.Lease.Milliseconds()).Bool()
	}, func(taken bool) {
		if taken {
			_, _ = s.release(l) // nobody waits for it any more
		}
	})
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	return ok && s.hold(l, began), nil
}

// Unlock implements storage.Locker. It works under a context that is done: a shutdown must not
// keep its locks. Where the server is down, the lock is free when its lease ends.
func (s *Store) Unlock(ctx context.Context, name string) error {
	clean, err := cleanLock(name)
	if err != nil {
		return fmt.Errorf("unlocking %s: %w", name, err)
	}
	l := s.drop(clean)
	if l == nil {
		return fmt.Errorf("unlocking %s: %w", name, storage.ErrNotLocked)
	}
	ours, err := call(context.WithoutCancel(ctx), s, 0, func(context.Context) (bool, error) { return s.release(l) }, nil)
	if err == nil && !ours {
		err = storage.ErrNotLocked
	}
	if err != nil {
		return fmt.Errorf("unlocking %s: %w", name, err)
	}
	return nil
}

// release deletes a lock that is ours.
func (s *Store) release(l *lease) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return s.run(ctx, unlockScript, []string{l.key}, l.token).Bool()
}

// fences are the keys and the tokens by which a script checks that these locks are ours.
func (s *Store) fences(names []string) (keys []string, tokens []any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		clean, err := cleanLock(name)
		if err != nil {
			return nil, nil, err
		}
		l := s.locks[clean]
		if l == nil || !time.Now().Before(l.until) {
			return nil, nil, fmt.Errorf("under the lock %s: %w", name, storage.ErrNotLocked)
		}
		keys, tokens = append(keys, l.key), append(tokens, l.token)
	}
	return keys, tokens, nil
}

func cleanLock(name string) (string, error) {
	clean, err := storage.Clean(name)
	if err == nil && clean == "" {
		err = errors.New("the name is empty")
	}
	return clean, err
}
