package integration

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
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
	with(old).Start()
	for what, keys := range map[string][]string{"another key": {wrong}, "another, and that": {wrong, next}, "no key": nil} {
		s := with(keys...)
		s.Launch()
		if err := s.Wait(20 * time.Second); err == nil || err.Error() != "exit status 1" || !strings.Contains(s.Log.String(), "storage: encryption_key is not that of the other nodes at "+redis.URL()) {
			t.Errorf("a node with %s: %v, want exit 1; its log:\n%s", what, err, s.Log)
		}
	}
	with(old, next).Start()
	with(next, old).Start()
	with(next).Start()
	fresh := redisserver.Start(t)
	redis = fresh
	with().Start()
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
		wait.Until(t, soon, "a node to serve: it has looked for the storage", func() error {
			if !strings.Contains(s.Log.String(), "msg=serving") {
				return errors.New("it does not serve yet")
			}
			return nil
		})
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

func newKey(t *testing.T) string {
	t.Helper()
	key := make([]byte, 32)
	must(t)(rand.Read(key))
	return base64.StdEncoding.EncodeToString(key)
}
