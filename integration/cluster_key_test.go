package integration

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
)

// A node whose encryption key is not that of the others, or that has none, says so and ends,
// before it stores anything. Keys are changed node by node.
func TestANodeWithAnotherKeyDoesNotBegin(t *testing.T) {
	t.Parallel()
	redis := redisserver.Start(t)
	old, next, wrong := newKey(t), newKey(t), newKey(t)
	with := func(keys ...string) *dwaar.Server {
		s := dwaar.New(t, binaries.Plain, binaries.Plain)
		storage := "storage redis " + redis.URL()
		if len(keys) > 0 {
			storage += " {\n\t\tencryption_key " + strings.Join(keys, " ") + "\n\t}"
		}
		s.Configure(s.Options(storage, "") + "here.test {\n\ttls internal\n\trespond ok\n}\n")
		return s
	}
	first := with(old)
	first.Start()
	awaitServing(t, first)
	for what, keys := range map[string][]string{"another key": {wrong}, "another, and that": {wrong, next}, "no key": nil} {
		s := with(keys...)
		s.Launch()
		if err := s.Wait(20 * time.Second); err == nil || err.Error() != "exit status 1" || !strings.Contains(s.Log.String(), "storage: encryption_key is not that of the other nodes at "+redis.URL()) {
			t.Errorf("a node with %s: %v, want exit 1; its log:\n%s", what, err, s.Log)
		}
	}
	for _, keys := range [][]string{{old, next}, {next, old}} {
		s := with(keys...)
		s.Start()
		awaitServing(t, s)
		s.Stop() // or it could still be encrypting with what the next one has in second place
	}
	with(next).Start()
	fresh := redisserver.Start(t)
	redis = fresh
	plain := with()
	plain.Start()
	awaitServing(t, plain)
	s := with(old)
	s.Launch()
	if err := s.Wait(20 * time.Second); err == nil || !strings.Contains(s.Log.String(), "not encrypted") {
		t.Errorf("a node with a key among some without: %v; its log:\n%s", err, s.Log)
	}
	with(old, "none").Start()
}

// Whether the keys are the same nobody can say while the storage is down. When it is back, the
// node with the wrong one leaves it alone, and goes on with what it has.
func TestANodeWithAnotherKeyLeavesTheStorageWhenItIsBack(t *testing.T) {
	t.Parallel()
	redis := redisserver.Start(t)
	node := func(key string) *dwaar.Server {
		s := dwaar.New(t, binaries.Plain, binaries.Plain)
		s.Configure(s.Options("storage redis "+redis.URL()+" {\n\t\tencryption_key "+key+"\n\t}", "") + "here.test {\n\ttls internal\n\trespond ok\n}\n")
		return s
	}
	serves := func(s *dwaar.Server) *dwaar.Server {
		s.Start()
		awaitServing(t, s)
		return s
	}
	serves(node(newKey(t)))
	redis.Kill()
	wrong := serves(node(newKey(t)))
	redis.Start()
	wait.Until(t, soon, "the node to see it", func() error {
		if !strings.Contains(wrong.Log.String(), "storage: encryption_key is not that of the other nodes") {
			return errors.New("its log does not say so")
		}
		return nil
	})
	wait.Until(t, soon, "the storage to be left alone", func() error {
		if s := wrong.Must("status").Text(); !strings.Contains(s, "down since") {
			return errors.New(s)
		}
		return nil
	})
}

// A node that was off while the key was changed has a copy that agrees with it. What counts is
// what the storage says when it is there.
func TestANodeThatMissedAChangeOfTheKeyIsToldWhenTheStorageIsBack(t *testing.T) {
	t.Parallel()
	redis := redisserver.Start(t)
	old, next := newKey(t), newKey(t)
	node := func(keys ...string) *dwaar.Server {
		s := dwaar.New(t, binaries.Plain, binaries.Plain)
		s.Configure(s.Options(sealedBy(redis, keys...), "") + "here.test {\n\ttls internal\n\trespond ok\n}\n")
		s.Start()
		awaitServing(t, s)
		return s
	}
	late := node(old)
	wait.Until(t, soon, "a copy of what only the key can read", func() error {
		_, err := os.Stat(filepath.Join(late.Data, "replica", "data", "encryption_check"))
		return err
	})
	late.Stop()
	node(next, old).Stop()
	redis.Kill()
	late.Start()
	redis.Start()
	wait.Until(t, soon, "the node to see that the key is another one", func() error {
		if !strings.Contains(late.Log.String(), "storage: encryption_key is not that of the other nodes") {
			return errors.New("its log does not say so")
		}
		return nil
	})
}

// awaitServing waits until a node that was started has looked for the storage: it takes
// connections before.
func awaitServing(t *testing.T, s *dwaar.Server) {
	t.Helper()
	wait.Until(t, soon, "a node to serve", func() error {
		if !strings.Contains(s.Log.String(), "msg=serving") {
			return errors.New("it does not serve yet")
		}
		return nil
	})
}

func newKey(t *testing.T) string {
	t.Helper()
	key := make([]byte, 32)
	must(t)(rand.Read(key))
	return base64.StdEncoding.EncodeToString(key)
}

// A key is changed node by node, as docs/cluster.md says: at every step each node serves what it
// served, and at the end nothing is left under the old key, or in plain text, the local CA's root
// neither.
func TestAKeyIsChangedNodeByNode(t *testing.T) {
	t.Parallel()
	redis := redisserver.Start(t)
	old, next := newKey(t), newKey(t)
	nodes := []*dwaar.Server{dwaar.New(t, binaries.Race, binaries.Plain), dwaar.New(t, binaries.Plain, binaries.Plain)}
	with := func(s *dwaar.Server, keys ...string) {
		t.Helper()
		storage := "storage redis " + redis.URL()
		if len(keys) > 0 {
			storage = sealedBy(redis, keys...)
		}
		s.Configure(s.Options(storage, "") + "here.test {\n\ttls internal\n\trespond ok\n}\n")
		s.Start()
	}
	root := func() string { return must(t)(redis.Do("HGET", "dwaar:v:pki/local/root.key", "data")).(string) }
	timeOf := func() string { return must(t)(redis.Do("HGET", "dwaar:v:pki/local/root.key", "time")).(string) }
	former := func(s *dwaar.Server, want string) {
		t.Helper()
		wait.Until(t, soon, "former_keys to be "+want, func() error {
			if text := s.Must("status", "--json").Text(); !strings.Contains(strings.ReplaceAll(text, " ", ""), `"former_keys":"`+want+`"`) {
				return errors.New(text)
			}
			return nil
		})
	}
	with(nodes[0])
	wait.Until(t, soon, "the root of the local CA", func() error {
		if v, _ := redis.Do("EXISTS", "dwaar:v:pki/local/root.key"); v != int64(1) {
			return errors.New("none yet")
		}
		return nil
	})
	plain, stored := root(), timeOf()
	nodes[0].Stop()
	steps := []struct {
		keys []string
		says string
	}{{[]string{old, "none"}, "unused"}, {[]string{old}, ""}, {[]string{old, next}, "unused"}, {[]string{next, old}, "unused"}, {[]string{next}, ""}}
	var roots []string
	for i, step := range steps {
		for _, s := range nodes {
			if i > 0 {
				s.Stop()
			}
			with(s, step.keys...)
			former(s, step.says)
		}
		roots = append(roots, root())
		if n := privateKeys(valuesIn(t, redis, "dwaar:")); n != 0 {
			t.Errorf("step %d: %d private keys can be read", i+1, n)
		}
	}
	if !strings.Contains(plain, "PRIVATE KEY") || roots[1] != roots[0] || roots[2] != roots[0] || roots[3] == roots[0] || roots[4] != roots[3] {
		t.Error("the root's key is not stored again exactly when another key comes to be the first")
	}
	if now := timeOf(); now != stored {
		t.Errorf("the time of the root's key was %s, and is %s", stored, now)
	}
	for _, s := range nodes {
		if warned := s.Log.Records("WARN"); len(warned) > 0 {
			t.Errorf("a node warns: %v", warned)
		}
	}
}
