package integration

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
)

// 1,000 rounds of two nodes that want the same lock at the same time: never two have it.
func TestRedisLockIsHeldOnce(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	var holders, rounds atomic.Int32
	var nodes sync.WaitGroup
	for range 2 {
		s := openRedis(t, server.URL())
		nodes.Go(func() {
			for rounds.Load() < 1000 {
				if ok, err := s.TryLock(t.Context(), "one"); err != nil {
					t.Error(err)
					return
				} else if !ok {
					continue
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders", n)
				}
				rounds.Add(1)
				holders.Add(-1)
				if err := s.Unlock(t.Context(), "one"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	nodes.Wait()
}

// A node that loses its network loses its lock when the lease ends, and not before. What it then
// still tries to do changes nothing, whatever it believes itself.
func TestRedisHolderWithoutNetworkLosesItsLock(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	cable := server.Cable(t)
	cut, other := openRedis(t, cable.URL()), openRedis(t, server.URL())
	under := storage.Under(t.Context(), "order")
	must(t)(nil, cut.Lock(t.Context(), "order"))
	must(t)(nil, cut.Store(under, "k", []byte("before")))

	began := time.Now()
	cable.Cut()
	must(t)(nil, other.Lock(t.Context(), "order"))
	if took := time.Since(began); took < shortLease/2 || took > shortLease+2*time.Second {
		t.Errorf("the lock was free after %v; the lease is %v", took, shortLease)
	}
	must(t)(nil, other.Store(under, "k", []byte("after")))
	cable.Mend()
	if err := cut.Store(under, "k", []byte("late")); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("Store under a lock that was lost = %v", err)
	}
	if err := cut.Delete(under, "k"); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("Delete under a lock that was lost = %v", err)
	}
	wait.Until(t, 5*time.Second, "the network", func() error { return cut.Ping(t.Context()) })
	if err := cut.Unlock(t.Context(), "order"); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("Unlock of a lock that was lost = %v", err)
	}
	if value, err := other.Load(t.Context(), "k"); string(value) != "after" {
		t.Errorf("k = %q, %v", value, err)
	}
	must(t)(nil, other.Unlock(t.Context(), "order"))
	must(t)(nil, cut.Lock(t.Context(), "order"))
}

// A network that fails for less than the lease takes no lock away.
func TestRedisLockOutlivesAShortOutage(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	cable := server.Cable(t)
	holder := openRedisWith(t, redis.Config{URL: redis.URL(cable.URL()), Lease: 3 * time.Second})
	other := openRedis(t, server.URL())
	must(t)(nil, holder.Lock(t.Context(), "order"))
	cable.Cut()
	time.Sleep(1300 * time.Millisecond) // more than a third: one renewal fails
	cable.Mend()
	for range 25 {
		time.Sleep(100 * time.Millisecond)
		if ok, err := other.TryLock(t.Context(), "order"); ok || err != nil {
			t.Fatalf("TryLock = %v, %v", ok, err)
		}
	}
	must(t)(nil, holder.Store(storage.Under(t.Context(), "order"), "k", nil))
	must(t)(nil, holder.Unlock(t.Context(), "order"))
}

// A server that stands still for longer than the lease has ended it when it goes on.
func TestRedisFrozenServerEndsLeases(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	holder, other := openRedis(t, server.URL()), openRedis(t, server.URL())
	must(t)(nil, holder.Lock(t.Context(), "order"))
	server.Freeze()
	time.Sleep(shortLease + shortLease/2)
	if err := holder.Store(storage.Under(t.Context(), "order"), "k", nil); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("Store under a lease that has ended = %v; it needs no server to know that", err)
	}
	server.Thaw()
	must(t)(nil, other.Lock(t.Context(), "order"))
	if err := holder.Store(storage.Under(t.Context(), "order"), "k", nil); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("Store under a lock that was lost = %v", err)
	}
}

// The fence and the write are one: a lock that is taken away while its holder writes, as often as
// it can, leaves nothing that the next holder has not written.
func TestRedisFenceAndWriteAreOne(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	first, second := openRedis(t, server.URL()), openRedis(t, server.URL())
	under := storage.Under(context.Background(), "order")
	for round := range 50 {
		must(t)(nil, first.Lock(t.Context(), "order"))
		writing, over := make(chan struct{}), make(chan error)
		go func() {
			var err error
			for i := 0; err == nil; i++ {
				if err = first.Store(under, "k", []byte("first")); i == 3 {
					close(writing)
				}
			}
			over <- err
		}()
		<-writing
		must(t)(server.Do("DEL", "dwaar:l:order")) // as when its lease has ended
		must(t)(nil, second.Lock(t.Context(), "order"))
		want := strconv.Itoa(round)
		must(t)(nil, second.Store(under, "k", []byte(want)))
		if err := <-over; !errors.Is(err, storage.ErrNotLocked) {
			t.Fatalf("the first holder ended with %v", err)
		}
		if err := first.Unlock(t.Context(), "order"); !errors.Is(err, storage.ErrNotLocked) { // before that it does not get it again
			t.Errorf("Unlock of a lock that was lost = %v", err)
		}
		if got := must(t)(second.Load(t.Context(), "k")).([]byte); string(got) != want {
			t.Fatalf("round %d: k = %q", round, got)
		}
		must(t)(nil, second.Unlock(t.Context(), "order"))
	}
}
