// Package sealed encrypts the values of a storage, so that whoever reads the storage, a copy
// or a backup of it learns no private key, and cannot change a value unnoticed.
//
// Each value is bound to its key path: put under another one it does not open. Not hidden are
// the key paths themselves, the sizes and the times; and an older value that was sealed for
// the same path still opens if somebody puts it back.
package sealed

import (
	"context"
	"errors"
	"fmt"

	"dwaar/tlsstore/storage"
)

// Keys are the secrets of a storage.
type Keys struct {
	// Seal encrypts what is stored, and opens it.
	Seal Key

	// Open are further keys, which only open: those that sealed before. A value gets the new
	// key when it is stored the next time.
	Open []Key

	// Plaintext gives out values that are not encrypted as they are: for the time in which a
	// storage that had no key gets one. Without it they are ErrPlain, because whoever can
	// write to the storage could put them there.
	Plaintext bool
}

// Storage is a storage whose values are encrypted. Locks, names and times are those of the
// storage below.
type Storage struct {
	storage.Storage
	boxes     []box // the first one seals
	plaintext bool
}

// New encrypts what goes into s, and decrypts what comes out of it.
func New(s storage.Storage, keys Keys) (*Storage, error) {
	sealed := &Storage{Storage: s, plaintext: keys.Plaintext}
	for _, key := range append([]Key{keys.Seal}, keys.Open...) {
		if key.IsZero() {
			return nil, errors.New("encrypting storage: a key is empty")
		}
		b, err := newBox(key)
		if err != nil {
			return nil, fmt.Errorf("encrypting storage: %w", err)
		}
		sealed.boxes = append(sealed.boxes, b)
	}
	return sealed, nil
}

// Store implements storage.Storage. A value may have up to MaxValue less Overhead bytes.
func (s *Storage) Store(ctx context.Context, key string, value []byte) error {
	name, err := storage.Clean(key)
	if err == nil {
		err = storage.CheckSize(int64(len(value)) + int64(Overhead))
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	if ctx, err = s.replacing(ctx, name); err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return s.Storage.Store(ctx, name, s.boxes[0].seal(name, value))
}

// replacing turns the value that ctx is to replace into what the storage below has of it.
func (s *Storage) replacing(ctx context.Context, name string) (context.Context, error) {
	if _, only := storage.Replaced(ctx); !only {
		return ctx, nil
	}
	var text []byte
	err := storage.CheckReplaced(ctx, func() (value []byte, err error) {
		if text, err = s.Storage.Load(ctx, name); err == nil {
			value, err = s.open(name, text)
		}
		return value, err
	})
	return storage.Replacing(ctx, text), err
}

// Load implements storage.Storage. A value that cannot be opened is ErrPlain, ErrKey or
// ErrDamaged, and never fs.ErrNotExist.
func (s *Storage) Load(ctx context.Context, key string) ([]byte, error) {
	text, err := s.Storage.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	name, err := storage.Clean(key)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", key, err)
	}
	value, err := s.open(name, text)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", name, err)
	}
	return value, nil
}

// open returns the value of what the storage below has.
func (s *Storage) open(name string, text []byte) ([]byte, error) {
	value, err := openAny(s.boxes, name, text)
	if s.plaintext && errors.Is(err, ErrPlain) {
		return text, nil
	}
	return value, err
}

// Stat implements storage.Storage. The size is the value's, but for one that is not encrypted,
// which Stat does not see: it is Overhead bytes longer than Stat says.
func (s *Storage) Stat(ctx context.Context, key string) (storage.KeyInfo, error) {
	info, err := s.Storage.Stat(ctx, key)
	if err == nil && !info.Prefix {
		info.Size = max(info.Size-int64(Overhead), 0)
	}
	return info, err
}
