package integration

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
)

// A cluster serves on while Redis is killed, frozen and emptied, says so, and catches up.
// Nothing is ordered twice because of it.
func TestAClusterOutlivesItsRedis(t *testing.T) {
	t.Parallel()
	names := []string{"a.outage.test", "b.outage.test", "c.outage.test"}
	c, redis := newRedisCluster(t, 3, names...)
	c.ocsp += "\n\t\trefresh_every 4s"
	c.launch()
	c.sameEverywhere("A6", c.everywhere("A6", 2*soon, names, stapledWell))
	c.storageIs("up", 0)

	crowds := c.crowds(names[0])
	begun := time.Now()
	redis.Kill()
	c.storageSays("down", soon)
	c.awaitOwed()
	redis.Start()
	c.storageIs("up", 0)
	t.Logf("Redis was killed: away and caught up within %v", time.Since(begun).Round(time.Second))

	begun = time.Now()
	redis.Freeze()
	c.storageSays("down", soon)
	time.Sleep(time.Until(begun.Add(10 * time.Second)))
	redis.Thaw()
	c.storageIs("up", 0)
	t.Logf("Redis was frozen: away and caught up within %v", time.Since(begun).Round(time.Second))

	before := storedIn(t, redis)
	redis.RestartEmpty()
	c.storageIs("up", 0)
	c.refilled(redis, before)
	seen := c.leave(crowds)
	c.everywhere("A6, after the outages", soon, names, stapledWell)
	if n := len(c.Pebble.Orders()); n != len(names) {
		t.Errorf("A6: %d orders for %d names", n, len(names))
	}
	t.Logf("%d handshakes during the outages, none of them failed; %d orders", seen, len(c.Pebble.Orders()))
}

// S1 for a cluster: with the responder down all nodes restart, with Redis up and then with Redis
// down too, and each certificate's first handshake is stapled. So it is at a node that has just
// joined, with the CA down as well.
func TestAClusterRestartsWithoutItsResponder(t *testing.T) {
	t.Parallel()
	names := []string{"a.restart.test", "b.restart.test", "c.restart.test"}
	c, redis := newRedisCluster(t, 3, names...)
	c.launch()
	first := c.sameEverywhere("A6", c.everywhere("A6", 2*soon, names, stapledWell))
	c.OCSP.Down()
	c.Pebble.Down()
	c.stop()
	c.join(c.beside(), names...)
	c.launch()
	c.stapledAtOnce("S1, with Redis up and a new node", names, first)
	c.storageIs("up", 0)

	redis.Kill()
	c.stop()
	c.launch()
	c.stapledAtOnce("S1, with Redis down", names, first)
	c.storageSays("down", soon)
	c.OCSP.Up()
	c.Pebble.Up()
	redis.Start()
	c.storageIs("up", 0)
	if n := len(c.Pebble.Orders()); n != len(names) {
		t.Errorf("A6: %d orders for %d names", n, len(names))
	}
}

// newRedisCluster is newCluster on a Redis of its own.
func newRedisCluster(t *testing.T, n int, names ...string) (*cluster, *redisserver.Server) {
	t.Helper()
	redis := redisserver.Start(t)
	return newCluster(t, n, "storage redis "+redis.URL(), names...), redis
}

// stop ends all nodes at once.
func (c *cluster) stop() {
	c.t.Helper()
	for _, h := range c.nodes {
		h.Signal(syscall.SIGTERM)
	}
	for i, h := range c.nodes {
		if err := h.Wait(20 * time.Second); err != nil {
			c.t.Errorf("SIGTERM at node %d: %v, want exit 0", i, err)
		}
	}
}

// crowds are clients of every node that connect all the time.
func (c *cluster) crowds(name string) (all []*crowd) {
	for _, h := range c.nodes {
		all = append(all, h.crowd(name, 1))
	}
	return all
}

// leave ends crowds, and counts what they have seen.
func (c *cluster) leave(all []*crowd) (seen int64) {
	c.t.Helper()
	for i, crowd := range all {
		crowd.leave()
		if seen += crowd.seen.Load(); crowd.seen.Load() == 0 {
			c.t.Errorf("nobody connected to node %d", i)
		}
	}
	return seen
}

// storageIs waits until each node's status says this, with so many answers owed.
func (c *cluster) storageIs(state string, owed int) {
	c.t.Helper()
	c.awaitStorage(state, soon, func(n int) bool { return n == owed })
}

// storageSays waits until each node's status says this.
func (c *cluster) storageSays(state string, within time.Duration) {
	c.t.Helper()
	c.awaitStorage(state, within, func(int) bool { return true })
}

func (c *cluster) awaitStorage(state string, within time.Duration, owed func(int) bool) {
	c.t.Helper()
	for i, h := range c.nodes {
		wait.Until(c.t, within, fmt.Sprintf("the storage to be %s at node %d", state, i), func() error {
			status, err := h.Status()
			if err != nil {
				return err
			}
			if s := status.Storage; s.State != state || !owed(s.Owed) || (state == "down") == (s.Error == "") {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
	}
}

// awaitOwed waits until some node owes an answer.
func (c *cluster) awaitOwed() {
	c.t.Helper()
	wait.Until(c.t, soon, "answers to be owed", func() error {
		for _, h := range c.nodes {
			if status, err := h.Status(); err != nil || status.Storage.Owed > 0 {
				return err
			}
		}
		return errNotYet
	})
}

// refilled waits until there is again what there was.
func (c *cluster) refilled(redis *redisserver.Server, before []string) {
	c.t.Helper()
	wait.Until(c.t, soon, "Redis to be filled again", func() error {
		now := storedIn(c.t, redis)
		for _, key := range before {
			if !slices.Contains(now, key) {
				return fmt.Errorf("%s is missing in %q", key, now)
			}
		}
		return nil
	})
	c.t.Logf("an empty Redis was filled again: %d keys, there were %d", len(storedIn(c.t, redis)), len(before))
}

// stapledAtOnce makes one handshake for each name at each node.
func (c *cluster) stapledAtOnce(promise string, names []string, first map[string]client.Handshake) {
	c.t.Helper()
	var all []look
	for node := range c.nodes {
		for _, name := range names {
			all = append(all, look{node: node, name: name})
		}
	}
	done, left, err := c.lookAt(all, stapledWell)
	if err != nil {
		c.t.Fatalf("%s: %d of %d first handshakes: %v", promise, len(left), len(all), err)
	}
	for _, l := range done {
		if !l.shown.Leaf.Equal(first[l.name].Leaf) {
			c.t.Errorf("%s: node %d serves another certificate for %s than before", promise, l.node, l.name)
		}
	}
	c.t.Logf("%s: %d first handshakes with %d nodes, all stapled", promise, len(done), len(c.nodes))
}

// keysIn are the keys of a Redis, as it has them.
func keysIn(t *testing.T, redis *redisserver.Server) (keys []string) {
	t.Helper()
	for _, key := range must(t)(redis.Do("KEYS", "*")).([]any) {
		keys = append(keys, key.(string))
	}
	slices.Sort(keys)
	return keys
}

// storedIn are the keys of the values of a cluster whose prefix is the default.
func storedIn(t *testing.T, redis *redisserver.Server) []string {
	t.Helper()
	return slices.DeleteFunc(keysIn(t, redis), func(key string) bool { return !strings.HasPrefix(key, "dwaar:v:") })
}
