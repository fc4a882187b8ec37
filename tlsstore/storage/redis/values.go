package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"dwaar/tlsstore/storage"
)

// Store implements storage.Storage. It is one round trip.
func (s *Store) Store(ctx context.Context, key string, value []byte) error {
	clean, err := cleanKey(key)
	if err == nil {
		err = storage.CheckSize(int64(len(value)))
	}
	if err == nil {
		args := []any{clean, value, storage.Modified(ctx).UnixNano()}
		old, only := storage.Replaced(ctx)
		if only {
			args = append(args, old)
		}
		var said string
		said, err = s.change(ctx, storeScript, len(value)+len(old), args...)
		err = errors.Join(err, refusal(said))
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return nil
}

// atOnce is how many keys one script deletes: some tens of milliseconds, in which nobody else
// is served.
const atOnce = 5_000

// Delete implements storage.Storage. A prefix of up to 5,000 keys is gone at once; of a larger
// one others see, for a while, what is left.
func (s *Store) Delete(ctx context.Context, key string) error {
	clean, err := cleanKey(key)
	for said := "more"; err == nil && said == "more"; {
		said, err = s.change(ctx, deleteScript, 0, clean, atOnce)
		err = errors.Join(err, refusal(said))
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	return nil
}

// change runs a script under the locks of ctx, and returns its word.
func (s *Store) change(ctx context.Context, sc script, bytes int, args ...any) (string, error) {
	names := storage.Locks(ctx)
	keys, tokens, err := s.fences(names)
	if err != nil {
		return "", err
	}
	all := append([]any{s.cfg.KeyPrefix, s.epoch.Load(), rand.Text()}, append(tokens, args...)...)
	said, err := call(ctx, s, bytes, func(ctx context.Context) (string, error) {
		return s.run(ctx, sc, s.changing(keys...), all...).Text()
	}, nil)
	if said == "lost" {
		return "", fmt.Errorf("under the lock %s: %w", strings.Join(names, ", "), storage.ErrNotLocked)
	}
	return said, err
}

// refusal is the error for a word of the scripts.
func refusal(said string) error {
	switch said {
	case "below a key":
		return errors.New("a part of its path is a key")
	case "replaced":
		return storage.ErrReplaced
	case "a prefix":
		return errors.New("there are keys below it")
	case "done", "more", "": // the last one comes with an error
		return nil
	}
	return unexpected()
}

// Load implements storage.Storage. It is one round trip.
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := s.load(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", key, err)
	}
	return value, nil
}

func (s *Store) load(ctx context.Context, key string) ([]byte, error) {
	clean, err := cleanKey(key)
	if err != nil {
		return nil, err
	}
	value, err := call(ctx, s, 0, func(ctx context.Context) ([]byte, error) {
		value, err := s.client.HGet(ctx, s.name("v:"+clean), "data").Bytes()
		if errors.Is(err, redis.Nil) {
			err = errMissing
		}
		return value, err
	}, nil)
	if errors.Is(err, errMissing) {
		err = fs.ErrNotExist
	}
	return value, err
}

// Exists implements storage.Storage.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	_, err := s.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Stat implements storage.Storage.
func (s *Store) Stat(ctx context.Context, key string) (storage.KeyInfo, error) {
	clean, err := cleanKey(key)
	var found []any
	if err == nil {
		found, err = call(ctx, s, 0, func(ctx context.Context) ([]any, error) {
			return s.run(ctx, statScript, []string{s.name("v:" + clean), s.name("index")}, clean).Slice()
		}, nil)
	}
	info := storage.KeyInfo{Key: clean}
	if err == nil {
		err = describe(&info, found)
	}
	if err != nil {
		return storage.KeyInfo{}, fmt.Errorf("describing %s: %w", key, err)
	}
	return info, nil
}

// describe reads what lua/stat.lua returns.
func describe(info *storage.KeyInfo, found []any) error {
	switch {
	case len(found) == 3:
		size, _ := found[1].(int64)
		text, _ := found[2].(string)
		modified, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return unexpected()
		}
		info.Size, info.Modified = size, time.Unix(0, modified)
		return nil
	case len(found) == 1 && found[0] == "prefix":
		info.Prefix = true
		return nil
	case len(found) == 1 && found[0] == "none":
		return fs.ErrNotExist
	}
	return unexpected()
}

func cleanKey(key string) (string, error) {
	clean, err := storage.Clean(key)
	if err == nil && clean == "" {
		err = errors.New("the key is empty")
	}
	return clean, err
}
