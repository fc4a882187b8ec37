package integration

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/redisserver"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
	"dwaar/tlsstore/storage/storagetest"
)

// shortLease lets a lock of a dead holder come free while a test waits.
const shortLease = 900 * time.Millisecond

// Issue 6: a real Redis keeps the promises that a file system does, to a user who may do no more
// than the package's documentation says.
func TestRedisIsAStorage(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	must(t)(server.Do("ACL", "SETUSER", "dwaar", "on", ">p@ss", "~dwaar:*", "&dwaar:*", "+@all", "-@dangerous", "-@admin"))
	url := "redis://dwaar:p%40ss@" + server.Addr()
	storagetest.Run(t, storagetest.Backend{
		Lease: shortLease,
		Open: func(t *testing.T) (storage.Storage, func() storage.Storage) {
			must(t)(server.Do("FLUSHALL"))
			again := func() storage.Storage { return openRedis(t, url) }
			return again(), again
		},
		DieHolding: func(t *testing.T, lock string) {
			dead := openRedis(t, url)
			must(t)(nil, dead.Lock(t.Context(), lock))
			must(t)(nil, dead.Close()) // it does not unlock: for the server it is dead
		},
	})
}

// Two clusters, and others, may use one server.
func TestRedisKeyPrefixesAreApart(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	ours := openRedis(t, server.URL())
	theirs := openRedisWith(t, redis.Config{URL: redis.URL(server.UnixURL()), KeyPrefix: "dwaar:other:"})
	must(t)(nil, ours.Store(t.Context(), "a", []byte("ours")))
	must(t)(nil, theirs.Store(t.Context(), "b", []byte("theirs")))
	must(t)(nil, ours.Lock(t.Context(), "l"))
	must(t)(nil, theirs.Lock(t.Context(), "l"))
	for s, want := range map[*redis.Store]string{ours: "[a]", theirs: "[b]"} {
		if got, err := s.List(t.Context(), "", true); fmt.Sprint(got) != want {
			t.Errorf("List = %v, %v; want %s", got, err, want)
		}
	}
}

// Redis round trips are what a cluster costs: a value is loaded by one, and stored by one.
func TestRedisRoundTrips(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s := openRedis(t, server.URL())
	must(t)(nil, s.Store(t.Context(), "warm", nil)) // the server learns the script
	must(t)(server.Do("CONFIG", "RESETSTAT"))
	const n = 100
	began := time.Now()
	for range n {
		must(t)(nil, s.Store(t.Context(), "certificates/ca/example.com/example.com.crt", []byte("v")))
	}
	stored := time.Since(began)
	for range n {
		must(t)(s.Load(t.Context(), "certificates/ca/example.com/example.com.crt"))
	}
	t.Logf("Store %v, Load %v each, over TCP with the race detector", stored/n, (time.Since(began)-stored)/n)
	stats := must(t)(server.Do("INFO", "commandstats")).(string)
	calls := map[string]int{}
	for _, m := range regexp.MustCompile(`cmdstat_(\S+?):calls=(\d+)`).FindAllStringSubmatch(stats, -1) {
		calls[m[1]], _ = strconv.Atoi(m[2])
	}
	if calls["evalsha"] != n || calls["hget"] != n || calls["eval"]+calls["script|load"] != 0 {
		t.Errorf("%d Stores and %d Loads were %v", n, n, calls)
	}
}

// A server that forgets its scripts is told them again.
func TestRedisScriptsFlushed(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s := openRedis(t, server.URL())
	cursor := must(t)(s.Changes(t.Context(), storage.Cursor{})).(storage.Changes).Next
	for i := range 5 {
		key := "k" + strconv.Itoa(i)
		must(t)(nil, s.Store(t.Context(), key, nil))
		must(t)(server.Do("SCRIPT", "FLUSH"))
		changes := must(t)(s.Changes(t.Context(), cursor)).(storage.Changes)
		if fmt.Sprint(changes.Keys) != "["+key+"]" || changes.All {
			t.Errorf("Changes = %+v, want %s", changes, key)
		}
		cursor = changes.Next
	}
}

// A password, TLS with a private CA, and what is told of them.
func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	dir, authority := t.TempDir(), pki.New(t, "Redis")
	ca := filepath.Join(dir, "ca.pem")
	pki.WriteFile(t, ca, pki.CertPEM(authority.Root().Cert.Raw, authority.Cert.Raw))
	files := authority.Issue(t, pki.Request{Names: []string{"127.0.0.1"}}).Write(t, dir, "server")
	us := authority.Delegate(t, time.Now().Add(time.Hour), x509.ExtKeyUsageClientAuth)
	cert, key := filepath.Join(dir, "us.crt"), filepath.Join(dir, "us.key")
	pki.WriteFile(t, cert, pki.CertPEM(us.Cert.Raw, authority.Cert.Raw))
	pki.WriteFile(t, key, pki.PKCS8(t, us.Key))
	server := redisserver.StartWith(t, redisserver.Settings{Password: "s3cr3t/pw", CertFile: files.Cert, KeyFile: files.Key, CAFile: ca,
		Args: []string{"--tls-auth-clients", "yes"}})
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	open := func(cfg redis.Config) error {
		s, err := redis.Open(cfg, logger)
		must(t)(nil, err)
		defer s.Close()
		return s.Ping(t.Context())
	}
	good := redis.Config{URL: redis.URL(server.URL()), TLS: redis.TLS{CAFile: ca, CertFile: cert, KeyFile: key}}
	if err := open(good); err != nil {
		t.Errorf("with the CA: %v", err)
	}
	wrong := []struct {
		cfg  redis.Config
		want string
	}{
		{redis.Config{URL: good.URL}, "certificate signed by unknown authority"},
		{redis.Config{URL: good.URL, TLS: redis.TLS{CAFile: ca}}, ""}, // reset, or alert
		{redis.Config{URL: good.URL, TLS: redis.TLS{CAFile: ca, CertFile: cert, KeyFile: key, ServerName: "redis.example"}}, "wanted to match redis.example"},
		{redis.Config{URL: redis.URL(strings.Replace(server.URL(), "pw", "s3cr3t", 1)), TLS: good.TLS}, "WRONGPASS"},
		{redis.Config{URL: redis.URL("rediss://" + server.Addr()), TLS: good.TLS}, "NOAUTH"},
		{redis.Config{URL: redis.URL(strings.Replace(server.URL(), "rediss:", "redis:", 1))}, ""},
	}
	for _, c := range wrong {
		err := open(c.cfg)
		if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q: %v", c.want, err)
		}
		told := must(t)(json.Marshal(c.cfg)).([]byte)
		fmt.Fprintf(&log, "%v %v %+v %#v %s", err, c.cfg, c.cfg, c.cfg, told)
	}
	if strings.Contains(log.String(), "s3cr3t") {
		t.Errorf("the password is in\n%s", log.String())
	}
}

// A server that forgets, by its settings, is warned of.
func TestRedisThatForgetsIsWarnedOf(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	for _, c := range []struct{ setting, value, want string }{
		{"maxmemory-policy", "allkeys-lru", "set maxmemory-policy noeviction"},
		{"appendonly", "no", "set appendonly yes"},
	} {
		var log strings.Builder
		before := must(t)(server.Do("CONFIG", "GET", c.setting)).([]any)[1]
		must(t)(server.Do("CONFIG", "SET", c.setting, c.value))
		s := must(t)(redis.Open(redis.Config{URL: redis.URL(server.URL())}, slog.New(slog.NewTextHandler(&log, nil)))).(*redis.Store)
		must(t)(nil, s.Ping(t.Context()))
		must(t)(nil, s.Close())
		must(t)(server.Do("CONFIG", "SET", c.setting, before))
		if strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(log.String(), c.want) {
			t.Errorf("%s %s: %s", c.setting, c.value, log.String())
		}
	}
}

// Deleting a large prefix keeps nobody waiting; of a smaller one nobody sees a part.
func TestRedisLargePrefixes(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	s, other := openRedis(t, server.URL()), openRedis(t, server.URL())
	fill := func(prefix string, n int) {
		must(t)(server.Do("EVAL", `for i = 1, ARGV[2] do
			local key = ARGV[1] .. string.format('/%03d/%d', i % 300, i)
			redis.call('HSET', 'dwaar:v:' .. key, 'data', 'x', 'time', '1'); redis.call('ZADD', 'dwaar:index', 0, key)
			redis.call('ZADD', 'dwaar:log', redis.call('HINCRBY', 'dwaar:meta', 'sequence', 1), key)
		end
		return 1`, 0, prefix, n))
	}
	fill("large", 45_000)
	fill("kept", 10)
	listed := must(t)(s.List(t.Context(), "large", true)).([]string)
	below := must(t)(s.List(t.Context(), "large", false)).([]string)
	if len(listed) != 45_000 || len(below) != 300 || below[7] != "large/007" {
		t.Errorf("List: %d keys, %d below", len(listed), len(below))
	}

	over := make(chan struct{})
	var slowest time.Duration
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			began := time.Now()
			must(t)(nil, other.Ping(context.Background()))
			slowest = max(slowest, time.Since(began))
			select {
			case <-over:
				return
			default:
			}
		}
	})
	began := time.Now()
	must(t)(nil, s.Delete(t.Context(), "large"))
	t.Logf("45,000 keys deleted in %v", time.Since(began))
	close(over)
	watching.Wait()
	t.Logf("another call waited for %v at most", slowest)
	if slowest > time.Second {
		t.Errorf("another call waited for %v", slowest)
	}
	if got := must(t)(s.List(t.Context(), "", true)).([]string); len(got) != 10 {
		t.Errorf("%d keys are left", len(got))
	}
	if n := must(t)(server.Do("EVAL", "return #redis.call('KEYS', 'dwaar:v:*')", 0)); n != int64(10) {
		t.Errorf("%v values are left", n)
	}

	fill("small", 5000)
	go func() { _ = s.Delete(context.Background(), "small") }()
	for {
		got, err := other.List(t.Context(), "small", true)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil || len(got) != 5000 {
			t.Fatalf("%d keys of 5000 are left, %v", len(got), err)
		}
	}
}

func openRedis(t *testing.T, url string) *redis.Store {
	t.Helper()
	return openRedisWith(t, redis.Config{URL: redis.URL(url), Lease: shortLease})
}

func openRedisWith(t *testing.T, cfg redis.Config) *redis.Store {
	t.Helper()
	s, err := redis.Open(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Redis 7 gives a new user no channel unless told: forgetting that costs the news of changes, and
// nothing else.
func TestRedisStoresForAUserWhoMayNotPublish(t *testing.T) {
	t.Parallel()
	server := redisserver.Start(t)
	must(t)(server.Do("ACL", "SETUSER", "dwaar", "on", ">p", "~dwaar:*", "resetchannels", "+@all", "-@dangerous", "-@admin"))
	s := openRedis(t, "redis://dwaar:p@"+server.Addr())
	must(t)(nil, s.Store(t.Context(), "a/b", []byte("value")))
	must(t)(nil, s.Delete(t.Context(), "a"))
	if err := s.Listen(t.Context(), func() {}); err == nil || !strings.Contains(err.Error(), "channel") {
		t.Errorf("Listen = %v, want that it may not", err)
	}
}
