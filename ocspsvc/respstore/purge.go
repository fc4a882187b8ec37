package respstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// How long the record of a leaf that nobody keeps any more stays in storage,
// after the leaf expired or after the record was last refreshed. It is long
// enough for a site that is taken away and put back, and for a certificate
// which another instance on the same storage still refreshes.
const (
	graceAfterExpiry = 24 * time.Hour
	graceUnused      = 30 * 24 * time.Hour
)

// Purge deletes the records of leaves that kept does not report and that have
// been gone for long, and damaged records of such leaves, so that storage does
// not grow for ever. Names and contents that this package did not write are
// left alone. It returns how many records it deleted and every error it met on
// the way, joined.
func (s *Store) Purge(ctx context.Context, now time.Time, kept func(Fingerprint) bool) (int, error) {
	if s.storage == nil {
		return 0, nil
	}
	keys, err := s.storage.List(ctx, folder, false)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("listing stored staples: %w", err)
	}
	deleted, problems := 0, []error(nil)
	for _, key := range keys {
		if ctx.Err() != nil {
			return deleted, errors.Join(append(problems, ctx.Err())...)
		}
		leaf, ok := LeafOf(key)
		if !ok || kept(leaf) || !s.outlived(ctx, key, now) {
			continue
		}
		if err := s.remove(ctx, key); err != nil {
			problems = append(problems, err)
			continue
		}
		deleted++
	}
	if deleted > 0 {
		s.log.Info("deleted stored staples of certificates that are gone", "count", deleted)
	}
	return deleted, errors.Join(problems...)
}

// outlived reports whether the record under key is of no more use to anyone.
func (s *Store) outlived(ctx context.Context, key string, now time.Time) bool {
	r, err := s.read(ctx, key)
	if err != nil {
		return errors.Is(err, ErrCorrupt)
	}
	return now.Sub(r.LastRefresh) > graceUnused || now.Sub(r.NotAfter) > graceAfterExpiry
}

// LeafOf is whose record storage has under a key.
func LeafOf(key string) (leaf Fingerprint, ok bool) {
	name, found := strings.CutPrefix(key, folder+"/")
	if !found || len(name) != hex.EncodedLen(len(leaf)) || strings.ToLower(name) != name {
		return leaf, false
	}
	_, err := hex.Decode(leaf[:], []byte(name))
	return leaf, err == nil
}
