package cluster

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"

	"dwaar/tlsstore/storage/redis"
)

// Probe reports whether a node of this Config could begin: the storage is there, takes
// writes, and is encrypted as cfg says, or is empty. It writes nothing but what a ping
// does. What a log is told is no error, but not as it should be.
func Probe(ctx context.Context, cfg Config, log *slog.Logger) error {
	if err := cfg.Check(); err != nil {
		return err
	}
	shared, err := redis.Open(cfg.Redis, log)
	if err != nil {
		return err
	}
	defer shared.Close()
	if err := shared.Ping(ctx); err != nil {
		return err
	}
	opened, err := cfg.seal(shared)
	if err != nil {
		return err
	}
	_, err = opened.Load(ctx, keyCheck)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // this node would be the first
	}
	if wrong := wrongKey(err, cfg.Redis.URL.Resolved()); wrong != nil {
		return wrong
	}
	return err
}
