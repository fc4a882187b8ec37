package integration

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/redisserver"
)

// A6: three nodes on one Redis get a hundred names by exactly a hundred orders of one account.
// The CA's questions come to nodes by chance, also to those that did not place the order. Every
// node serves every certificate, for which the responder is asked once, and once for each refresh.
// A revoked certificate is replaced once.
func TestAClusterOrdersAndAsksOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("n%02d.cluster.test", i))
	}
	c, redis := newRedisCluster(t, 3, names...)
	begun := time.Now()
	c.launch()
	shown := c.sameEverywhere("A6", c.everywhere("A6", 3*time.Minute, names, stapledWell))
	t.Logf("A6: %d names at 3 nodes after %v", len(shown), time.Since(begun).Round(time.Second))
	c.ordered("A6", len(names))
	c.answeredEverywhere()
	c.askedOnce("at the start", time.Hour)

	c.refreshed(names, 8*time.Second)

	name := names[0]
	old := shown[name].Leaf
	c.revoke(old)
	c.sameEverywhere("V1", c.everywhere("V1", 2*soon, []string{name}, func(l look) error {
		if l.shown.Leaf.Equal(old) {
			return errors.New("still the revoked one")
		}
		return l.shown.GoodStaple()
	}))
	c.ordered("V1", len(names)+1)
	c.inQuarantineOf(redis, name, old.SerialNumber.Text(16))
	c.weigh(redis, len(names)+1)
}

// weigh tells what a certificate takes of Redis' memory, with all that belongs to it.
func (c *cluster) weigh(redis *redisserver.Server, certificates int) {
	c.t.Helper()
	keys, total := keysIn(c.t, redis), int64(0)
	for _, key := range keys {
		if size, ok := must(c.t)(redis.Do("MEMORY", "USAGE", key, "SAMPLES", "0")).(int64); ok {
			total += size
		}
	}
	c.t.Logf("%d keys in Redis for %d certificates take %d bytes each", len(keys), certificates, total/int64(certificates))
}

// ordered checks how many orders there were, all by one account.
func (c *cluster) ordered(promise string, want int) {
	c.t.Helper()
	orders, accounts := len(c.Pebble.Orders()), c.Pebble.AccountKeys()
	c.t.Logf("%s: %d orders, %d certificates asked for, %d account", promise, orders, c.Pebble.Requests("/finalize-order/"), accounts)
	if orders != want || accounts != 1 || c.Pebble.Requests("/finalize-order/") != want {
		c.t.Errorf("%s: %d orders by %d accounts, want %d by 1", promise, orders, accounts, want)
	}
}

// answeredEverywhere checks that each node has answered challenges, and some of them for others.
func (c *cluster) answeredEverywhere() {
	c.t.Helper()
	byNode, elsewhere := c.challenges(regexp.MustCompile(`n\d+\.cluster\.test`))
	orders := make([]int, len(c.nodes))
	for _, node := range c.placed() {
		orders[node]++
	}
	c.t.Logf("A6: challenges answered by node %v, %d of them for another node's order; orders by node %v", byNode, elsewhere, orders)
	if slices.Min(byNode) == 0 || elsewhere == 0 {
		c.t.Error("A6: not every node has answered challenges for others")
	}
}

// askedOnce checks that the responder was never asked twice about a certificate within the time
// that a refresh is good for.
func (c *cluster) askedOnce(when string, within time.Duration) {
	c.t.Helper()
	last, doors := map[string]time.Time{}, map[string]int{}
	all := c.OCSP.Asked()
	for _, a := range all {
		if before, ok := last[a.Serial]; ok && a.When.Sub(before) < within {
			c.t.Errorf("%s: the responder was asked twice about %s within %v", when, a.Serial, a.When.Sub(before))
		}
		last[a.Serial] = a.When
		doors[a.Door]++
	}
	byNode := make([]int, len(c.nodes))
	for i, h := range c.nodes {
		byNode[i] = doors[h.Dir]
	}
	c.t.Logf("%s: %d requests to the responder for %d certificates, by node %v", when, len(all), len(last), byNode)
}

// refreshed lets all staples be refreshed, and checks that all nodes serve the new ones, for each
// of which one node has asked.
func (c *cluster) refreshed(names []string, every time.Duration) {
	c.t.Helper()
	c.ocsp += "\n\t\trefresh_every " + every.String()
	for _, h := range c.nodes {
		c.configure(h)
		h.Must("reload")
	}
	begun := time.Now()
	c.everywhere("a refresh", 2*soon, names, func(l look) error {
		if signed := nextUpdate(c.t, l.shown).Add(-time.Hour); signed.Before(begun) {
			return fmt.Errorf("a staple of %v", signed)
		}
		return l.shown.GoodStaple()
	})
	c.t.Logf("all nodes serve staples from after a reload %v later", time.Since(begun).Round(time.Second))
	c.askedOnce("after a refresh", every*7/10)
}

// inQuarantineOf checks that Redis has a revoked certificate where nothing loads it, and nowhere
// else.
func (c *cluster) inQuarantineOf(redis *redisserver.Server, name, serial string) {
	c.t.Helper()
	var put []string
	for _, key := range keysIn(c.t, redis) {
		if strings.Contains(key, "quarantine/") && strings.Contains(key, "/"+serial+"/") {
			put = append(put, key)
		}
	}
	c.t.Logf("V1: in quarantine: %q", put)
	for _, file := range []string{name + ".crt", name + ".key", "why.json"} {
		if !slices.ContainsFunc(put, func(key string) bool { return strings.HasSuffix(key, "/"+file) }) {
			c.t.Errorf("V1: %s is not in quarantine: %q", file, put)
		}
	}
}
