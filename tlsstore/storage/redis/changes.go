package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dwaar/tlsstore/storage"
)

// changesAtOnce is how many keys Changes returns at a time.
const changesAtOnce = 1000

// Changes implements storage.Shared.
func (s *Store) Changes(ctx context.Context, since storage.Cursor) (storage.Changes, error) {
	reply, err := call(ctx, s, 0, func(ctx context.Context) ([]any, error) {
		return s.run(ctx, changesScript, s.changing(), s.cfg.KeyPrefix, since.Epoch, rand.Text(), since.Sequence, changesAtOnce).Slice()
	}, nil)
	if err != nil {
		return storage.Changes{}, fmt.Errorf("asking for changes: %w", err)
	}
	changes, err := readChanges(reply)
	if err != nil {
		return storage.Changes{}, fmt.Errorf("asking for changes: %w", err)
	}
	s.epoch.Store(changes.Next.Epoch)
	return changes, nil
}

// readChanges reads what lua/changes.lua returns.
func readChanges(reply []any) (storage.Changes, error) {
	epoch, keys, err := readKeys(reply)
	if err != nil || len(reply) != 4 {
		return storage.Changes{}, unexpected()
	}
	text, _ := reply[1].(string)
	sequence, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return storage.Changes{}, unexpected()
	}
	kind, _ := reply[2].(string)
	kind, at, back := strings.Cut(kind, " ")
	found := storage.Changes{
		Keys: keys,
		Next: storage.Cursor{Epoch: epoch, Sequence: sequence},
		All:  kind != "some",
		New:  kind == "new",
	}
	if back {
		milliseconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return storage.Changes{}, unexpected()
		}
		found.Back = time.UnixMilli(milliseconds)
	}
	return found, nil
}
