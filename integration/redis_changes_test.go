package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
)

// Who follows the changes of others ends with what there is, whatever they do meanwhile.
func TestRedisChangesLoseNothing(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	reader := openRedis(t, server.URL())
	follower := &follower{t: t, s: reader, has: map[string]string{}}
	follower.catchUp()
	var writers sync.WaitGroup
	for i := range 4 {
		s := openRedis(t, server.URL())
		writers.Go(func() {
			for j := range 300 {
				key := fmt.Sprintf("d%d/k%d", rand.N(5), rand.N(40))
				switch rand.N(6) {
				case 0:
					must(t)(nil, s.Delete(t.Context(), key))
				case 1:
					must(t)(nil, s.Delete(t.Context(), key[:2]))
				default:
					must(t)(nil, s.Store(t.Context(), key, fmt.Append(nil, i, " ", j)))
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		close(done)
	}()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		follower.catchUp()
	}
	truth := map[string]string{}
	for _, key := range must(t)(reader.List(t.Context(), "", true)).([]string) {
		truth[key] = string(must(t)(reader.Load(t.Context(), key)).([]byte))
	}
	if fmt.Sprint(truth) != fmt.Sprint(follower.has) {
		t.Errorf("followed to\n%v\nwhich is\n%v", follower.has, truth)
	}
	t.Logf("%d changed keys told in %d calls", follower.told, follower.calls)
}

// follower is a node's local copy.
type follower struct {
	t           *testing.T
	s           *redis.Store
	at          storage.Cursor
	has         map[string]string
	told, calls int
}

func (f *follower) catchUp() {
	for {
		changes := must(f.t)(f.s.Changes(f.t.Context(), f.at)).(storage.Changes)
		if changes.All && f.at != (storage.Cursor{}) {
			f.t.Fatalf("told to begin anew: %+v", changes)
		}
		f.at, f.calls, f.told = changes.Next, f.calls+1, f.told+len(changes.Keys)
		for _, key := range changes.Keys {
			value, err := f.s.Load(f.t.Context(), key)
			if errors.Is(err, fs.ErrNotExist) {
				delete(f.has, key)
			} else {
				f.has[key] = string(must(f.t)(value, err).([]byte))
			}
		}
		if len(changes.Keys) == 0 {
			return
		}
	}
}

// Each key is told once, in the order of last changes, some at a time.
func TestRedisChangesArePaged(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s := openRedis(t, server.URL())
	start := must(t)(s.Changes(t.Context(), storage.Cursor{})).(storage.Changes)
	if !start.All || !start.New || len(start.Keys) != 0 {
		t.Errorf("at first: %+v", start)
	}
	var writers sync.WaitGroup
	for i := range 10 {
		writers.Go(func() {
			for j := range 250 {
				must(t)(nil, s.Store(t.Context(), fmt.Sprintf("k/%d/%d", i, j), nil))
				must(t)(nil, s.Store(t.Context(), "again", nil))
			}
		})
	}
	writers.Wait()
	must(t)(nil, s.Delete(t.Context(), "k/3"))
	var told []string
	calls := 0
	for cursor := start.Next; ; calls++ {
		changes := must(t)(s.Changes(t.Context(), cursor)).(storage.Changes)
		if len(changes.Keys) == 0 {
			break
		}
		told, cursor = append(told, changes.Keys...), changes.Next
	}
	gone := slices.Clone(told[len(told)-250:])
	slices.Sort(told)
	if len(told) != 2501 || len(slices.Compact(told)) != 2501 || calls != 3 {
		t.Errorf("%d keys told in %d calls, want 2501 different ones in 3", len(told), calls)
	}
	for _, key := range gone {
		if key[:4] != "k/3/" {
			t.Fatalf("%s was told among the last", key)
		}
	}
}

// What was deleted is known for an hour. Who has been away for longer is told to look at everything.
func TestRedisChangesForgetDeletions(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s := openRedis(t, server.URL())
	before := must(t)(s.Changes(t.Context(), storage.Cursor{})).(storage.Changes).Next
	must(t)(nil, s.Store(t.Context(), "a", nil))
	must(t)(nil, s.Delete(t.Context(), "a"))
	after := must(t)(s.Changes(t.Context(), before)).(storage.Changes)
	must(t)(server.Do("ZADD", "dwaar:dead", time.Now().Add(-61*time.Minute).UnixMilli(), "a"))
	must(t)(nil, s.Store(t.Context(), "b", nil))
	if got := must(t)(s.Changes(t.Context(), before)).(storage.Changes); !got.All || got.New {
		t.Errorf("from before the deletion: %+v", got)
	}
	if got := must(t)(s.Changes(t.Context(), after.Next)).(storage.Changes); got.All || fmt.Sprint(got.Keys) != "[b]" {
		t.Errorf("from after it: %+v", got)
	}
	if n := must(t)(server.Do("ZCARD", "dwaar:log")); n != int64(1) {
		t.Errorf("the log has %v keys", n)
	}
}

// A storage that has lost everything says so to each node, also to the one that comes when another
// has put something back; to nodes of other content it does not.
func TestRedisLostContent(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	stores := []*redis.Store{openRedis(t, server.URL()), openRedis(t, server.URL())}
	must(t)(nil, stores[0].Store(t.Context(), "a", nil))
	at := must(t)(stores[0].Changes(t.Context(), storage.Cursor{})).(storage.Changes)
	if !at.All || at.New {
		t.Errorf("of a storage that is in use: %+v", at)
	}
	expect := func(s *redis.Store, since storage.Cursor, isNew bool) storage.Cursor {
		t.Helper()
		got := must(t)(s.Changes(t.Context(), since)).(storage.Changes)
		if !got.All || got.New != isNew || got.New != got.Back.IsZero() || got.Next.Epoch == since.Epoch {
			t.Errorf("Changes = %+v, want new %v", got, isNew)
		}
		return got.Next
	}
	server.RestartEmpty()
	wait.Until(t, 5*time.Second, "the server", func() error { return stores[0].Ping(t.Context()) })
	expect(stores[0], at.Next, true)
	must(t)(nil, stores[0].Store(t.Context(), "a", nil))
	second := expect(stores[1], at.Next, true)
	expect(stores[1], storage.Cursor{Epoch: "of another cluster"}, false)
	expect(stores[1], storage.Cursor{}, false)

	// Who writes before he knows leaves what is needed to know it.
	must(t)(nil, stores[0].Store(t.Context(), "b", nil))
	must(t)(server.Do("FLUSHALL"))
	must(t)(nil, stores[1].Store(t.Context(), "b", nil))
	third := expect(stores[0], second, true)

	// A node that knows nothing comes first.
	must(t)(server.Do("FLUSHALL"))
	stranger := openRedis(t, server.URL())
	expect(stranger, storage.Cursor{}, true)
	must(t)(nil, stranger.Store(t.Context(), "c", nil))
	expect(stores[0], third, true)
	expect(stores[0], second, false)
}

// A server that comes back with less than it had gives no number twice.
func TestRedisLostTail(t *testing.T) {
	t.Parallel()
	server := redisserver.StartWith(t, redisserver.Settings{Args: []string{"--appendonly", "no", "--save", "3600 1000000"}})
	s, other := openRedis(t, server.URL()), openRedis(t, server.URL())
	must(t)(nil, s.Store(t.Context(), "a", nil))
	saved := must(t)(s.Changes(t.Context(), storage.Cursor{})).(storage.Changes).Next
	kept := time.Now()
	must(t)(server.Do("SAVE"))
	time.Sleep(200 * time.Millisecond)
	must(t)(nil, s.Store(t.Context(), "lost1", nil))
	must(t)(nil, s.Store(t.Context(), "lost2", nil))
	ahead := must(t)(s.Changes(t.Context(), saved)).(storage.Changes)
	server.Restart()
	for i := range 5 { // as many numbers, and more
		must(t)(nil, other.Store(t.Context(), fmt.Sprint("new", i), nil))
	}
	if got := must(t)(s.Changes(t.Context(), ahead.Next)).(storage.Changes); !got.All || got.New || got.Next.Epoch != saved.Epoch || got.Back.Sub(kept).Abs() > 100*time.Millisecond {
		t.Errorf("to who has seen what is lost: %+v", got)
	}
	got := must(t)(s.Changes(t.Context(), saved)).(storage.Changes)
	if got.All || len(got.Keys) != 5 {
		t.Errorf("to who has not: %+v", got)
	}
	if again := must(t)(s.Changes(t.Context(), got.Next)).(storage.Changes); again.All || len(again.Keys) != 0 {
		t.Errorf("then: %+v", again)
	}
}

// A backup from before another restart: the numbers of the two histories are apart, however many
// are given out before a node comes that knows the lost one.
func TestRedisBackupFromBeforeARestart(t *testing.T) {
	t.Parallel()
	server := redisserver.StartWith(t, redisserver.Settings{Args: []string{"--appendonly", "no", "--save", "3600 1000000"}})
	s, other := openRedis(t, server.URL()), openRedis(t, server.URL())
	everything := func(n int) { // each script runs, and so is new to the server once
		must(t)(other.Changes(t.Context(), storage.Cursor{}))
		must(t)(nil, other.Delete(t.Context(), "key0"))
		for i := range n {
			must(t)(nil, other.Store(t.Context(), fmt.Sprint("key", i), nil))
		}
	}
	everything(1)
	must(t)(server.Do("SAVE"))
	dump := filepath.Join(must(t)(server.Do("CONFIG", "GET", "dir")).([]any)[1].(string), "dump.rdb")
	backup := must(t)(os.ReadFile(dump)).([]byte)
	server.Restart()
	everything(5)
	ahead := must(t)(s.Changes(t.Context(), storage.Cursor{})).(storage.Changes).Next
	server.Kill()
	must(t)(nil, os.WriteFile(dump, backup, 0o600))
	server.Start()
	everything(9)
	if got := must(t)(s.Changes(t.Context(), ahead)).(storage.Changes); !got.All || got.New || got.Back.IsZero() {
		t.Errorf("Changes = %+v, want that it has gone back", got)
	}
}

// Changes are heard of within a moment, and a server that goes is, too.
func TestRedisListen(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s, other := openRedis(t, server.URL()), openRedis(t, server.URL())
	heard, over := make(chan struct{}, 1000), make(chan error, 1)
	listen := func(ctx context.Context) {
		go func() { over <- s.Listen(ctx, func() { heard <- struct{}{} }) }()
	}
	hear := func(what string) {
		t.Helper()
		select {
		case <-heard:
		case err := <-over:
			t.Fatalf("%s: Listen returned %v", what, err)
		case <-time.After(2 * time.Second):
			t.Fatalf("nothing was heard of %s", what)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	listen(ctx)
	hear("the beginning")
	must(t)(nil, other.Store(t.Context(), "a", nil))
	hear("a Store")
	must(t)(nil, other.Delete(t.Context(), "a"))
	hear("a Delete")
	must(t)(nil, other.Delete(t.Context(), "a")) // changes nothing
	select {
	case <-heard:
		t.Error("a Delete that changed nothing was told")
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("Listen = %v, want context.Canceled", err)
	}
	listen(t.Context())
	hear("the second beginning")
	server.Kill()
	select {
	case err := <-over:
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Listen = %v, want ErrUnavailable", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Listen does not notice that the server is gone")
	}
}
