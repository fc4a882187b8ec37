package crl

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"time"
)

// folder holds every record.
const folder = "crl"

// unusedKept is how long the list of a feed that nobody needs any more stays in
// storage after it was read last: long enough for a site that is taken away and
// put back, and for another instance on the same storage.
const unusedKept = 30 * 24 * time.Hour

// store keeps lists in storage; without one, it has none.
type store struct {
	storage Storage
	stuck   atomic.Int32 // writes that were left behind
}

// errStuck is why nothing is written while storage still owes an answer.
var errStuck = errors.New("storage has not finished an earlier write")

func (s *store) put(ctx context.Context, key feedKey, r record) error {
	if s.storage == nil {
		return nil
	}
	content, err := r.marshal()
	if err == nil {
		err = s.within(ctx, func() error { return s.storage.Store(ctx, path(key), content) })
	}
	if err != nil {
		return fmt.Errorf("storing CRL %s: %w", path(key), err)
	}
	return nil
}

// discard deletes a record: one that put could not replace, and that must not
// be found by a restart.
func (s *store) discard(ctx context.Context, key feedKey) error {
	err := s.within(ctx, func() error { return s.storage.Delete(ctx, path(key)) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting CRL %s: %w", path(key), err)
	}
	return nil
}

// within gives a write as long as ctx lasts. A disk that hangs is one that no
// context can reach, so the write is left behind then, and no other begun
// before it ends: they would pile up, and could overtake each other.
func (s *store) within(ctx context.Context, write func() error) error {
	if s.stuck.Load() > 0 {
		return errStuck
	}
	done := make(chan error, 1)
	go func() { done <- write() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	s.stuck.Add(1)
	go func() {
		<-done
		s.stuck.Add(-1)
	}()
	return ctx.Err()
}

// get reads a record: fs.ErrNotExist if there is none, ErrForeign or ErrCorrupt
// if it cannot be used. Its list has to be verified again.
func (s *store) get(ctx context.Context, key feedKey, url string) (record, error) {
	if s.storage == nil {
		return record{}, fs.ErrNotExist
	}
	r, err := s.read(ctx, path(key))
	if err == nil && r.URL != url {
		err = fmt.Errorf("%w: it is that of %s", ErrCorrupt, r.URL)
	}
	if err != nil {
		return record{}, fmt.Errorf("reading CRL %s: %w", path(key), err)
	}
	return r, nil
}

func (s *store) read(ctx context.Context, key string) (record, error) {
	content, err := s.storage.Load(ctx, key)
	if err != nil {
		return record{}, err
	}
	return unmarshal(content)
}

// purge deletes the lists that kept does not report and that have not been read
// for long, and damaged ones. What this package did not write is left alone.
func (s *store) purge(ctx context.Context, now time.Time, kept func(feedKey) bool) error {
	if s.storage == nil {
		return nil
	}
	keys, err := s.storage.List(ctx, folder, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing stored CRLs: %w", err)
	}
	var problems []error
	for _, key := range keys {
		feed, ours := keyOf(key)
		if !ours || kept(feed) || !s.outlived(ctx, key, now) {
			continue
		}
		if err := s.storage.Delete(ctx, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, fmt.Errorf("deleting CRL %s: %w", key, err))
		}
	}
	return errors.Join(problems...)
}

func (s *store) outlived(ctx context.Context, key string, now time.Time) bool {
	r, err := s.read(ctx, key)
	if err != nil {
		return errors.Is(err, ErrCorrupt)
	}
	return now.Sub(r.Refreshed) > unusedKept
}

func path(key feedKey) string { return folder + "/" + hex.EncodeToString(key[:]) }

// keyOf is the inverse of path.
func keyOf(path string) (key feedKey, ok bool) {
	name := strings.TrimPrefix(strings.TrimPrefix(path, folder), "/")
	if len(name) != hex.EncodedLen(len(key)) || strings.ToLower(name) != name {
		return key, false
	}
	_, err := hex.Decode(key[:], []byte(name))
	return key, err == nil
}
