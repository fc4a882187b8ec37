package redis

import (
	"context"
	"fmt"
	"time"
)

// pinged is how long what Ping writes is kept.
const pinged = 10 * time.Second

// Ping implements storage.Shared. The first time it also looks whether the server keeps what it
// is given, and warns.
func (s *Store) Ping(ctx context.Context) error {
	_, err := call(ctx, s, 0, func(ctx context.Context) (string, error) {
		return s.client.Set(ctx, s.name("ping"), "", pinged).Result()
	}, nil)
	if err != nil {
		return fmt.Errorf("asking the shared storage: %w", err)
	}
	if !s.inspected.Swap(true) {
		s.inspect(ctx)
	}
	return nil
}

// inspect warns of a server that forgets. A user who may not see its settings is none.
func (s *Store) inspect(ctx context.Context) {
	settings, err := call(ctx, s, 0, func(ctx context.Context) (map[string]string, error) {
		found := map[string]string{}
		for _, setting := range []string{"maxmemory-policy", "appendonly", "save"} {
			values, err := s.client.ConfigGet(ctx, setting).Result()
			if err != nil {
				return nil, err
			}
			found[setting] = values[setting]
		}
		return found, nil
	}, nil)
	if err != nil {
		s.log.Debug("the shared storage does not show its settings", "address", s.cfg.URL, "err", err)
		return
	}
	if policy := settings["maxmemory-policy"]; policy != "noeviction" {
		s.log.Warn("the shared storage may throw away what it keeps: set maxmemory-policy noeviction", "address", s.cfg.URL, "maxmemory_policy", policy)
	}
	if settings["appendonly"] != "yes" && settings["save"] == "" {
		s.log.Warn("the shared storage is empty after a restart: set appendonly yes", "address", s.cfg.URL)
	}
}
