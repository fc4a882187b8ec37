package respstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
)

// folder holds every record.
const folder = "ocsp"

// Storage is what a Store needs of durable storage. tlsstore/storage has it.
// Load and Delete of a missing key fail with an error that is fs.ErrNotExist.
type Storage interface {
	Store(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string, recursive bool) ([]string, error)
}

// Store holds records. It is safe for concurrent use.
type Store struct {
	storage Storage // nil: memory only
	log     *slog.Logger

	mu      sync.RWMutex // guards the rest
	records map[Fingerprint]Record
	stuck   int                      // writes that were left behind
	owed    map[Fingerprint]struct{} // whose records storage may not have because of that
}

// New returns an empty store over storage; nil keeps records in memory only.
func New(storage Storage, log *slog.Logger) *Store {
	return &Store{storage: storage, log: log, records: map[Fingerprint]Record{}, owed: map[Fingerprint]struct{}{}}
}

// Put stores r durably and then shows it in memory. If storing fails, or is not
// done when ctx ends, it is shown all the same, and the error says what failed
// (S14). A storage that only was slow gets it later.
func (s *Store) Put(ctx context.Context, r Record) error {
	defer s.Keep(r)
	if s.storage == nil {
		return nil
	}
	if err := s.within(ctx, r.Leaf, &r, func() error { return s.put(ctx, r) }); err != nil {
		return fmt.Errorf("storing staple %s: %w", key(r.Leaf), err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, r Record) error {
	content, err := r.marshal()
	if err != nil {
		return err
	}
	return s.storage.Store(ctx, key(r.Leaf), content)
}

// errStuck is why nothing is written while storage still owes an answer.
var errStuck = errors.New("storage has not finished an earlier write")

// Discard deletes leaf's record from storage, and keeps what memory shows: for
// one that Put could not replace and that must not be found by a restart.
func (s *Store) Discard(ctx context.Context, leaf Fingerprint) error {
	if s.storage == nil {
		return nil
	}
	return s.within(ctx, leaf, nil, func() error { return s.remove(ctx, key(leaf)) })
}

// within gives a write as long as ctx lasts. A disk that hangs is one that no
// context can reach, so the write is left behind then, and no other begun
// before it ends: they would pile up, and could overtake each other.
// It is owed then, as r, if that is the record that was to be written.
func (s *Store) within(ctx context.Context, leaf Fingerprint, r *Record, write func() error) error {
	if s.isStuck(leaf, r) {
		return errStuck
	}
	done := make(chan error, 1)
	go func() { done <- write() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck++
	s.owe(leaf, r)
	go func() {
		<-done
		s.payUp()
	}()
	return ctx.Err()
}

// isStuck reports whether a write was left behind, so that leaf has to wait.
func (s *Store) isStuck(leaf Fingerprint, r *Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stuck == 0 {
		return false
	}
	s.owe(leaf, r)
	return true
}

// owe wants s.mu held.
func (s *Store) owe(leaf Fingerprint, r *Record) {
	s.owed[leaf] = struct{}{}
	if r != nil {
		s.records[leaf] = *r // before anybody can take the debt
	}
}

// payUp writes what memory shows by now of the leaves that had to wait: what
// was left behind, and has ended now, may have been a good answer, and a
// revocation what came after it.
func (s *Store) payUp() {
	for r, more := s.debt(); more; r, more = s.debt() {
		if r.Response == nil {
			continue // it was forgotten
		}
		if err := s.put(context.Background(), r); err != nil {
			s.log.Warn("a staple could not be stored when storage was back", "err", err)
		}
	}
}

// debt is the record of a leaf that has to wait. When there is none, others may
// write again. The last of several writes that were left behind pays for all.
func (s *Store) debt() (r Record, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stuck == 1 {
		for leaf := range s.owed {
			delete(s.owed, leaf)
			return s.records[leaf], true
		}
	}
	s.stuck--
	return r, false
}

// Keep shows r in memory without storing it: for one that Load returned and
// that has been verified.
func (s *Store) Keep(r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[r.Leaf] = r
}

// Get returns the record that memory has for leaf.
func (s *Store) Get(leaf Fingerprint) (Record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[leaf]
	return r, ok
}

// Forget drops leaf's record from memory. Storage keeps it, in case the leaf
// comes back, until Purge.
func (s *Store) Forget(leaf Fingerprint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, leaf)
}

// Load reads leaf's record from storage. It does not show it in memory: its
// response has to be verified first. The error is fs.ErrNotExist if there is
// none, ErrForeign or ErrCorrupt if what is there cannot be used.
func (s *Store) Load(ctx context.Context, leaf Fingerprint) (Record, error) {
	if s.storage == nil {
		return Record{}, fs.ErrNotExist
	}
	r, err := s.read(ctx, key(leaf))
	if err == nil && r.Leaf != leaf {
		err = fmt.Errorf("%w: it belongs to leaf %x", ErrCorrupt, r.Leaf)
	}
	if err != nil {
		return Record{}, fmt.Errorf("reading staple %s: %w", key(leaf), err)
	}
	return r, nil
}

func (s *Store) read(ctx context.Context, key string) (Record, error) {
	content, err := s.storage.Load(ctx, key)
	if err != nil {
		return Record{}, err
	}
	return unmarshal(content)
}

// remove deletes a key and is content if it has gone already.
func (s *Store) remove(ctx context.Context, key string) error {
	if err := s.storage.Delete(ctx, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting staple %s: %w", key, err)
	}
	return nil
}

func key(leaf Fingerprint) string { return folder + "/" + hex.EncodeToString(leaf[:]) }
