package integration

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/integration/internal/balancer"
	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/redisserver"
)

// With an encryption key no private key is readable in Redis, nor in a node's copy. A node with
// another key says so, and neither orders nor deletes anything.
func TestPrivateKeysAreSealedInRedis(t *testing.T) {
	t.Parallel()
	redis := redisserver.Start(t)
	names := []string{"a.sealed.test", "b.sealed.test"}
	key, wrong := newKey(t), newKey(t)
	c := newCluster(t, 3, sealedBy(redis, key), names...)
	c.launch()
	c.everywhere("A6", 2*soon, names, stapledWell)
	values := valuesIn(t, redis, "dwaar:")
	if n := privateKeys(values); n != 0 {
		t.Errorf("%d of %d values in Redis hold a private key", n, len(values))
	}
	for i, h := range c.nodes {
		if n := privateKeys(filesIn(t, h.Data)); n != 0 {
			t.Errorf("%d files of node %d hold a private key", n, i)
		}
	}
	orders, accounts := len(c.Pebble.Orders()), c.Pebble.AccountKeys()

	before := certificateValues(values)
	for what, storage := range map[string]string{"another key": sealedBy(redis, wrong), "no key": "storage redis " + redis.URL()} {
		stranger := c.beside()
		stranger.door = c.door
		stranger.siteText(strings.Join(names, ", ") + ", new.sealed.test {\n\trespond ok\n}\n")
		c.storage = storage
		c.configure(stranger)
		stranger.Launch()
		if err := stranger.Wait(soon); err == nil || !strings.Contains(stranger.Log.String(), "encryption_key is not that of the other nodes") {
			t.Errorf("a node with %s: %v\n%s", what, err, stranger.Log)
		}
	}
	now := certificateValues(valuesIn(t, redis, "dwaar:"))
	for key := range before {
		if !bytes.Equal(before[key], now[key]) {
			t.Errorf("nodes that have not the key have changed %s", key)
		}
	}
	if n := len(c.Pebble.Orders()); n != orders || c.Pebble.AccountKeys() != accounts || len(now) != len(before) {
		t.Errorf("nodes that have not the key have placed %d orders, asked for %d accounts, and stored %d values", n-orders, c.Pebble.AccountKeys()-accounts, len(now)-len(before))
	}
	t.Logf("no private key in %d values of Redis and in the nodes' files; nodes with another key or none end, and change none of %d values", len(values), len(before))
}

// certificateValues are those of certificates and accounts.
func certificateValues(values map[string][]byte) map[string][]byte {
	found := map[string][]byte{}
	for key, value := range values {
		if strings.Contains(key, ":certificates/") || strings.Contains(key, ":acme/") {
			found[key] = value
		}
	}
	return found
}

func sealedBy(redis *redisserver.Server, keys ...string) string {
	return "storage redis " + redis.URL() + " {\n\t\tencryption_key " + strings.Join(keys, " ") + "\n\t}"
}

// privateKeys counts the values that show one.
func privateKeys(values map[string][]byte) (n int) {
	for _, value := range values {
		if bytes.Contains(value, []byte("PRIVATE KEY")) {
			n++
		}
	}
	return n
}

// valuesIn are the fields of the hashes whose keys begin so.
func valuesIn(t *testing.T, redis *redisserver.Server, prefix string) map[string][]byte {
	t.Helper()
	values := map[string][]byte{}
	for _, key := range keysIn(t, redis) {
		if !strings.HasPrefix(key, prefix) || must(t)(redis.Do("TYPE", key)) != "hash" {
			continue
		}
		var all []string
		for _, field := range must(t)(redis.Do("HGETALL", key)).([]any) {
			all = append(all, field.(string))
		}
		values[key] = []byte(strings.Join(all, "\n"))
	}
	return values
}

func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	must(t)(nil, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = text
		return err
	}))
	return found
}

// Two clusters with the same sites use one Redis, by TLS and each with a user and a prefix of its
// own: each gets its own certificates, and has its own account.
func TestTwoClustersOnOneRedis(t *testing.T) {
	t.Parallel()
	redis, ca := startTLS(t)
	names := []string{"a.two.test", "b.two.test"}
	first := newRevocable(t, binaries.Race, pebble.Config{AlwaysValid: true})
	second := &revocable{house: first.beside(), Pebble: first.Pebble, revoked: map[string]bool{}}
	clusters := map[string]*cluster{"blue": clusterOf(first, balancer.New(t), balancer.New(t)), "green": clusterOf(second, balancer.New(t), balancer.New(t))}
	seen := map[string]map[string]client.Handshake{}
	for prefix, c := range clusters {
		mustDo(t, redis, "ACL", "SETUSER", prefix, "on", ">secret of "+prefix, "~"+prefix+":*", "&"+prefix+":*", "+@all", "-@admin")
		storage := fmt.Sprintf("storage redis rediss://%s:{env.REDIS_PASSWORD}@%s {\n\t\tkey_prefix %s:\n\t\ttls {\n\t\t\tca %s\n\t\t\tserver_name redis.internal\n\t\t}\n\t}", prefix, redis.Addr(), prefix, ca)
		c.grow(2, storage, names...)
		for _, h := range c.nodes {
			h.Env = append(h.Env, "REDIS_PASSWORD=secret%20of%20"+prefix)
		}
		c.launch()
	}
	for prefix, c := range clusters {
		seen[prefix] = c.sameEverywhere("A6", c.everywhere("A6", 2*soon, names, stapledWell))
	}
	if privateKeys(valuesIn(t, redis, "blue:")) != len(names)+1 { // and the account's
		t.Error("the private keys of a cluster without encryption are not found: the test sees nothing")
	}
	for _, name := range names {
		if blue, green := seen["blue"][name], seen["green"][name]; blue.Leaf.Equal(green.Leaf) {
			t.Errorf("both clusters serve %s with serial %x", name, blue.Leaf.SerialNumber)
		}
	}
	if n, accounts := len(first.Pebble.Orders()), first.Pebble.AccountKeys(); n != 4 || accounts != 2 {
		t.Errorf("%d orders and %d accounts, want 4 and 2", n, accounts)
	}
	for _, h := range append(clusters["blue"].nodes, clusters["green"].nodes...) {
		if strings.Contains(h.Log.String()+h.Must("status", "--json").Text(), "secret") {
			t.Error("the password is in the log or in the status")
		}
	}
}

// startTLS starts a Redis with TLS, and returns the file of its CA.
func startTLS(t *testing.T) (redis *redisserver.Server, ca string) {
	t.Helper()
	authority := pki.New(t, "Redis")
	files := authority.Issue(t, pki.Request{Names: []string{"redis.internal"}}).Write(t, t.TempDir(), "redis")
	ca = rootFile(t, authority)
	return redisserver.StartWith(t, redisserver.Settings{CertFile: files.Cert, KeyFile: files.Key, CAFile: ca, Password: "of the administrator"}), ca
}
