package integration

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/integration/internal/balancer"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// lease is how long a lock outlives the dwaar that held it.
const lease = 15 * time.Second

// A node holds the lease of a certificate, asking a responder that hangs, and the lock of a name,
// ordering at a CA that hangs. Nobody else asks or orders while it lives, for longer than the
// lease is; once it is killed another node takes over within it.
func TestAKilledNodesLeasesAreTakenOver(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{AlwaysValid: true}) // not every node has every site
	c := clusterOf(r, balancer.New(t), balancer.New(t)).grow(3, "storage redis "+redisserver.Start(t).URL(), "lease.test")
	c.ocsp += "\n\t\trefresh_every 5s\n\t\ttimeout 1m"
	c.launch()
	c.everywhere("A6", 2*soon, []string{"lease.test"}, stapledWell)

	hung := c.hangOne()
	victim := c.awaitHung(hung)
	c.Pebble.Behave(pebble.Hang("/finalize-order/"))
	c.adds(c.nodes[victim], "order.test")
	wait.Until(t, soon, "the order to hang", func() error {
		if c.Pebble.Requests("/finalize-order/") < 2 {
			return errNotYet
		}
		return nil
	})
	c.Pebble.Behave(nil) // for whoever comes next; the victim's request hangs on
	held := time.Now()
	for i, h := range c.nodes {
		if i != victim {
			c.adds(h, "order.test")
		}
	}
	asked := len(c.OCSP.Asked())
	time.Sleep(lease + 2*time.Second)
	if n := len(c.OCSP.Asked()); n != asked {
		t.Errorf("%d requests to the responder while node %d held the lease", n-asked, victim)
	}
	if n := len(c.Pebble.Orders()); n != 2 {
		t.Errorf("%d orders while node %d held the lock, want 2: %+v", n, victim, c.Pebble.Orders())
	}
	t.Logf("node %d held lease and lock for %v, and nobody else asked or ordered", victim, time.Since(held).Round(time.Second))

	c.nodes[victim].Kill()
	killed := time.Now()
	c.within(killed, "request to the responder", func() bool { return len(c.OCSP.Asked()) > asked })
	c.within(killed, "order", func() bool { return len(c.Pebble.Orders()) > 2 })
	c.nodes = slices.Delete(c.nodes, victim, victim+1)
	c.everywhere("A6, by the others", soon, []string{"lease.test", "order.test"}, stapledWell)
	if n := len(c.Pebble.Orders()); n != 3 {
		t.Errorf("%d orders in all, want 3: %+v", n, c.Pebble.Orders())
	}
}

// adds gives a node one more site by a reload.
func (c *cluster) adds(h *house, name string) {
	c.t.Helper()
	h.siteText(name + " {\n\trespond ok\n}\n")
	c.configure(h)
	h.Must("reload")
}

// hangOne lets the responder answer everybody but the node that asks next.
func (c *cluster) hangOne() *atomic.Pointer[string] {
	hung := &atomic.Pointer[string]{}
	c.OCSP.Behave(func(r *responder.Responder, w http.ResponseWriter, asked responder.Call) {
		hung.CompareAndSwap(nil, &asked.Door)
		if *hung.Load() == asked.Door {
			responder.Hang(r, w, asked)
			return
		}
		responder.Good(r, w, asked)
	})
	return hung
}

// awaitHung is the node that hangOne has let hang.
func (c *cluster) awaitHung(hung *atomic.Pointer[string]) int {
	c.t.Helper()
	wait.Until(c.t, soon, "a refresh", func() error {
		if hung.Load() == nil {
			return errNotYet
		}
		return nil
	})
	return slices.IndexFunc(c.nodes, func(h *house) bool { return h.Dir == *hung.Load() })
}

// within waits for what has to happen as soon as the lease of a killed node has ended.
func (c *cluster) within(killed time.Time, what string, come func() bool) {
	c.t.Helper()
	wait.Until(c.t, time.Until(killed.Add(lease+10*time.Second)), "another node's "+what, func() error {
		if !come() {
			return errNotYet
		}
		return nil
	})
	c.t.Logf("the first %s of another node came %v after the kill", what, time.Since(killed).Round(100*time.Millisecond))
}
