package redis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/redis/go-redis/v9"

	"dwaar/tlsstore/storage"
)

// pageSize is how many keys are listed in one round trip.
const pageSize = 10_000

// List implements storage.Storage. Up to 10,000 keys are those of one moment; of more, those
// that come or go meanwhile may be in it or not.
func (s *Store) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	clean, err := storage.Clean(prefix)
	var keys []string
	if err == nil {
		keys, err = s.list(ctx, clean, recursive)
	}
	if err == nil && len(keys) == 0 && clean != "" {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("listing %q: %w", prefix, err)
	}
	slices.Sort(keys) // by key: a prefix is not where its keys were
	return keys, nil
}

func (s *Store) list(ctx context.Context, clean string, recursive bool) (keys []string, err error) {
	next := s.children
	if recursive {
		next = s.keys
	}
	r := within(clean)
	for r.from != "" {
		var found []string
		found, r.from, err = next(ctx, r)
		if err != nil {
			return nil, err
		}
		keys = append(keys, found...)
	}
	return keys, nil
}

// span is a part of the index, which is in lexical order. A bound begins with "[" or "(", by
// whether it is in; the last one may be "+".
type span struct{ under, from, to string }

// within is the part of the keys under a prefix. The character after the slash is 0.
func within(clean string) span {
	if clean == "" {
		return span{"", "-", "+"}
	}
	return span{clean + "/", "[" + clean + "/", "(" + clean + "0"}
}

// keys returns some keys, and where to go on.
func (s *Store) keys(ctx context.Context, r span) ([]string, string, error) {
	found, err := call(ctx, s, 0, func(ctx context.Context) ([]string, error) {
		return s.client.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.name("index"), Start: r.from, Stop: r.to, ByLex: true, Count: pageSize}).Result()
	}, nil)
	if err != nil || len(found) < pageSize {
		return found, "", err
	}
	return found, "(" + found[len(found)-1], nil
}

// children is keys for those directly under the prefix, and for its prefixes.
func (s *Store) children(ctx context.Context, r span) ([]string, string, error) {
	reply, err := call(ctx, s, 0, func(ctx context.Context) ([]any, error) {
		return s.run(ctx, childrenScript, []string{s.name("index")}, r.under, r.from, r.to, pageSize).Slice()
	}, nil)
	if err != nil {
		return nil, "", err
	}
	next, found, err := readKeys(reply)
	return found, next, err
}

var errReply = errors.New("a reply that no script of ours makes")

// readKeys reads a reply that begins with a string and ends with a list of keys.
func readKeys(reply []any) (first string, keys []string, err error) {
	if len(reply) < 2 {
		return "", nil, unexpected()
	}
	first, ok := reply[0].(string)
	list, isList := reply[len(reply)-1].([]any)
	if !ok || !isList {
		return "", nil, unexpected()
	}
	for _, key := range list {
		text, _ := key.(string)
		keys = append(keys, text)
	}
	return first, keys, nil
}

func unexpected() error { return fmt.Errorf("%w: %w", storage.ErrUnavailable, errReply) }
