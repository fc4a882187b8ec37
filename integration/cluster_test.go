package integration

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/integration/internal/balancer"
	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/pki"
)

// cluster is several dwaars on one storage. The CA proves names through a load balancer that
// chooses a node by chance for each connection, and each node asks the responder by a door of
// its own. The first node is the embedded one.
type cluster struct {
	*revocable
	nodes       []*house
	http, https *balancer.Balancer
	storage     string // what the global options say of it
	ocsp        string // and what their `ocsp` block says
}

// newCluster prepares n nodes that serve these names; only CA and responder run.
func newCluster(t *testing.T, n int, storage string, names ...string) *cluster {
	t.Helper()
	http, https := balancer.New(t), balancer.New(t)
	r := newRevocable(t, binaries.Race, pebble.Config{HTTPPort: http.Port, TLSPort: https.Port})
	return clusterOf(r, http, https).grow(n, storage, names...)
}

func clusterOf(r *revocable, http, https *balancer.Balancer) *cluster {
	return &cluster{revocable: r, http: http, https: https, ocsp: "pace 1ms"}
}

// grow adds n nodes, of which the first one is there already.
func (c *cluster) grow(n int, storage string, names ...string) *cluster {
	c.t.Helper()
	c.storage = storage
	c.join(c.house, names...)
	for range n - 1 {
		c.join(c.beside(), names...)
	}
	return c
}

// join makes a prepared dwaar a node.
func (c *cluster) join(h *house, names ...string) {
	c.t.Helper()
	h.siteText(strings.Join(names, ", ") + " {\n\trespond ok\n}\n")
	c.http.Add(net.JoinHostPort("127.0.0.1", strconv.Itoa(h.HTTP)))
	c.https.Add(h.Addr())
	issuer := filepath.Join(h.Dir, "issuer.pem")
	pki.WriteFile(c.t, issuer, pki.CertPEM(c.CA.Cert.Raw))
	h.door = fmt.Sprintf("responder %s %s", issuer, c.OCSP.Door(h.Dir))
	c.nodes = append(c.nodes, h)
}

// configure writes the Dwaarfile of a node.
func (c *cluster) configure(h *house) {
	h.Configure(h.Options(c.global()+"\n\t"+c.storage, c.ocsp+"\n\t\t"+h.door) + h.sites.String())
}

// launch runs all nodes, and returns when they listen.
func (c *cluster) launch() {
	c.t.Helper()
	for _, h := range c.nodes {
		c.configure(h)
		h.Launch()
	}
	for _, h := range c.nodes {
		h.AwaitListening()
	}
}

// look is what a node showed for a name.
type look struct {
	node  int
	name  string
	shown client.Handshake
}

// everywhere waits until each node serves each name as ok wants it, and returns what they showed.
func (c *cluster) everywhere(promise string, within time.Duration, names []string, ok func(look) error) (all []look) {
	c.t.Helper()
	var todo []look
	for node := range c.nodes {
		for _, name := range names {
			todo = append(todo, look{node: node, name: name})
		}
	}
	deadline := time.Now().Add(within)
	for {
		done, left, err := c.lookAt(todo, ok)
		all, todo = append(all, done...), left
		if len(todo) == 0 {
			return all
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: after %v %d of %d are not there yet: %v", promise, within, len(todo), len(todo)+len(all), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// lookAt makes one handshake for each, some at a time. The error is one of those left.
func (c *cluster) lookAt(todo []look, ok func(look) error) (done, left []look, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, 4)
	for _, l := range todo {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			shown, failed := c.nodes[l.node].try(l.name)
			l.shown = shown
			if failed == nil {
				failed = ok(l)
			}
			mu.Lock()
			defer mu.Unlock()
			if failed != nil {
				left, err = append(left, l), fmt.Errorf("node %d, %s: %w", l.node, l.name, failed)
				return
			}
			done = append(done, l)
		})
	}
	all.Wait()
	return done, left, err
}

// stapledWell accepts a certificate with a good staple.
func stapledWell(l look) error { return l.shown.GoodStaple() }

// sameEverywhere fails the test where two nodes show different certificates for a name.
func (c *cluster) sameEverywhere(promise string, all []look) map[string]client.Handshake {
	c.t.Helper()
	first := map[string]client.Handshake{}
	for _, l := range all {
		if seen, ok := first[l.name]; ok && !seen.Leaf.Equal(l.shown.Leaf) {
			c.t.Errorf("%s: node %d serves %s with serial %x, another one with %x", promise, l.node, l.name, l.shown.Leaf.SerialNumber, seen.Leaf.SerialNumber)
		}
		first[l.name] = l.shown
	}
	return first
}

// placed is the node that has ordered each name, as its log says.
func (c *cluster) placed() map[string]int {
	by := map[string]int{}
	for i, h := range c.nodes {
		for _, record := range h.Log.Records("INFO", "certificate obtained") {
			by[record["sni"]] = i
		}
	}
	return by
}

// challenges counts the validations that each node has answered, and how many came to a node
// that had not placed the order.
func (c *cluster) challenges(name *regexp.Regexp) (byNode []int, elsewhere int) {
	placed := c.placed()
	byNode = make([]int, len(c.nodes))
	for i, h := range c.nodes {
		for _, b := range []*balancer.Balancer{c.http, c.https} {
			for _, passed := range b.Passed() {
				if passed.Node != h.Addr() && passed.Node != net.JoinHostPort("127.0.0.1", strconv.Itoa(h.HTTP)) {
					continue
				}
				byNode[i]++
				if by, ok := placed[name.FindString(passed.First)]; ok && by != i {
					elsewhere++
				}
			}
		}
	}
	return byNode, elsewhere
}
