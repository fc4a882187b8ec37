package integration

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
)

// changesNothing fails the test unless everything that writes says that the storage is unavailable,
// within a bound.
func changesNothing(t *testing.T, s *redis.Store, bound time.Duration) {
	t.Helper()
	_, lockErr := s.TryLock(t.Context(), "l")
	for name, ask := range map[string]func() error{
		"Store":   func() error { return s.Store(t.Context(), "k", []byte("new")) },
		"Ping":    func() error { return s.Ping(t.Context()) },
		"TryLock": func() error { return lockErr },
	} {
		began := time.Now()
		err := ask()
		if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s = %v, want ErrUnavailable", name, err)
		}
		if took := time.Since(began); took > bound {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// A server that is down, by either way to it, or stands still, fails a call within its bound; when
// it is back the next one works, and what was stored is there.
func TestRedisDownAndBack(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	for _, url := range []string{server.URL(), server.UnixURL()} {
		s := openRedis(t, url)
		must(t)(nil, s.Store(t.Context(), "k", []byte("old")))
		server.Kill()
		changesNothing(t, s, time.Second)
		if _, err := s.Load(t.Context(), "k"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Load = %v", err)
		}
		server.Start()
		wait.Until(t, 3*time.Second, "the storage", func() error { return s.Ping(t.Context()) })
		if got, err := s.Load(t.Context(), "k"); string(got) != "old" {
			t.Errorf("Load = %q, %v", got, err)
		}
	}
	s := openRedis(t, server.URL())
	must(t)(nil, s.Ping(t.Context()))
	server.Restart() // the connection is a dead one now
	if got, err := s.Load(t.Context(), "k"); string(got) != "old" {
		t.Errorf("Load by a dead connection = %q, %v", got, err)
	}
	server.Freeze()
	began := time.Now()
	if err := s.Ping(t.Context()); !errors.Is(err, storage.ErrUnavailable) || time.Since(began) > 3500*time.Millisecond {
		t.Errorf("Ping of a frozen server = %v after %v", err, time.Since(began))
	}
	server.Thaw()
	if got, err := s.Load(t.Context(), "k"); string(got) != "old" {
		t.Errorf("Load = %q, %v", got, err)
	}
}

// A replica is read, and takes no write; when it is the first one again, it does.
func TestRedisReadOnly(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s := openRedis(t, server.URL())
	must(t)(nil, s.Store(t.Context(), "k", []byte("old")))
	must(t)(server.Do("REPLICAOF", "127.0.0.1", "1"))
	changesNothing(t, s, time.Second)
	if err := s.Delete(t.Context(), "k"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Delete = %v", err)
	}
	if got, err := s.Load(t.Context(), "k"); string(got) != "old" {
		t.Errorf("Load = %q, %v", got, err)
	}
	must(t)(server.Do("REPLICAOF", "NO", "ONE"))
	must(t)(nil, s.Store(t.Context(), "k", []byte("new")))
}

// A server without memory takes no write, keeps nothing of a refused one, and still deletes.
func TestRedisOutOfMemory(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s := openRedis(t, server.URL())
	must(t)(nil, s.Store(t.Context(), "k", []byte("old")))
	must(t)(nil, s.Store(t.Context(), "other", []byte("old")))
	before := must(t)(s.Changes(t.Context(), storage.Cursor{})).(storage.Changes).Next
	must(t)(server.Do("CONFIG", "SET", "maxmemory", "1"))
	changesNothing(t, s, time.Second)
	if err := s.Store(t.Context(), "a/new/one", []byte("new")); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Store = %v", err)
	}
	must(t)(nil, s.Delete(t.Context(), "other"))
	must(t)(server.Do("CONFIG", "SET", "maxmemory", "0"))
	if got := must(t)(s.List(t.Context(), "", true)).([]string); len(got) != 1 || string(must(t)(s.Load(t.Context(), "k")).([]byte)) != "old" {
		t.Errorf("List = %q", got)
	}
	if got := must(t)(s.Changes(t.Context(), before)).(storage.Changes); len(got.Keys) != 1 || got.Keys[0] != "other" {
		t.Errorf("Changes = %+v", got)
	}
}
