package sealed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"dwaar/tlsstore/storage"
)

// Current reports whether a value is encrypted with the first key.
func (s *Storage) Current(ctx context.Context, key string) (bool, error) {
	text, err := s.Storage.Load(ctx, key)
	return err == nil && s.isCurrent(text), err
}

func (s *Storage) isCurrent(text []byte) bool { return bytes.HasPrefix(text, s.boxes[0].prefix) }

// Reseal stores a value again, with the first key, if another one has encrypted it, or if none has
// and Keys.Plaintext is set. It reports whether it did. The time of the value stays, and what
// somebody stores or deletes meanwhile is left as that one wants it: that is no error. A value that
// cannot be opened is ErrPlain, ErrKey or ErrDamaged, and stays.
func (s *Storage) Reseal(ctx context.Context, key string) (did bool, err error) {
	name, err := storage.Clean(key)
	if err == nil {
		did, err = s.reseal(ctx, name)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrReplaced) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("encrypting %s again: %w", key, err)
	}
	return did, nil
}

func (s *Storage) reseal(ctx context.Context, name string) (bool, error) {
	text, err := s.Storage.Load(ctx, name)
	if err != nil || s.isCurrent(text) {
		return false, err
	}
	value, err := s.open(name, text)
	if err != nil {
		return false, err
	}
	info, err := s.Storage.Stat(ctx, name) // later than the value: if that has changed in between, it is not replaced
	if err != nil {
		return false, err
	}
	ctx = storage.Replacing(storage.ModifiedAt(ctx, info.Modified), text)
	return true, s.Storage.Store(ctx, name, s.boxes[0].seal(name, value))
}

// Resealed is what ResealAll has done.
type Resealed struct {
	Stored     int      // values that have the first key now
	Unreadable int      // values that cannot be opened
	Paths      []string // some of these
}

// somePaths bounds Resealed.Paths.
const somePaths = 5

// ResealAll does Reseal for every key, and calls pace after each, with whether it was stored. It
// ends with the first error that is not about a key alone.
func (s *Storage) ResealAll(ctx context.Context, pace func(stored bool)) (done Resealed, err error) {
	keys, err := s.List(ctx, "", true)
	if err != nil {
		return done, err
	}
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		stored, err := s.Reseal(ctx, key)
		switch {
		case errors.Is(err, ErrPlain), errors.Is(err, ErrKey), errors.Is(err, ErrDamaged):
			if done.Unreadable++; len(done.Paths) < somePaths {
				done.Paths = append(done.Paths, key)
			}
		case err != nil:
			return done, err
		case stored:
			done.Stored++
		}
		pace(stored)
	}
	return done, nil
}
