package integration

import (
	"log/slog"
	"testing"
	"time"

	"dwaar/integration/internal/redisserver"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
	"dwaar/tlsstore/storage/storagetest"
)

// shortLease lets a lock of a dead holder come free while a test waits.
const shortLease = 900 * time.Millisecond

// Issue 6: a real Redis keeps the promises that a file system does.
func TestRedisIsAStorage(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	storagetest.Run(t, storagetest.Backend{
		Lease: shortLease,
		Open: func(t *testing.T) (storage.Storage, func() storage.Storage) {
			must(t)(server.Do("FLUSHALL"))
			again := func() storage.Storage { return openRedis(t, server.URL()) }
			return again(), again
		},
		DieHolding: func(t *testing.T, lock string) {
			dead := openRedis(t, server.URL())
			must(t)(nil, dead.Lock(t.Context(), lock))
			must(t)(nil, dead.Close()) // as seen by the server, no other end than a death
		},
	})
}

func openRedis(t *testing.T, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), redis.Config{URL: redis.URL(url), Lease: shortLease}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
