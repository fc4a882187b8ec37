package acme_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage/storagetest"
)

// cluster is several nodes on one storage, with all of dwaar's own between their schedule and
// that. They hear of each other's changes within a moment, unless deaf.
type cluster struct {
	t     *testing.T
	m     *storagetest.Memory
	ca    *oneCA
	nodes []*member
	deaf  bool
}

type member struct {
	*node
	handle  *storagetest.Node
	issuing *issuing.Issuing
}

const newsTake = 50 * time.Millisecond

func newCluster(t *testing.T, n int, cfg acme.Config) *cluster {
	c := &cluster{t: t, m: storagetest.NewMemory(), ca: newOneCA(t)}
	for range n {
		c.nodes = append(c.nodes, c.join(cfg))
	}
	c.m.After(c.tell)
	return c
}

func (c *cluster) join(cfg acme.Config) *member {
	handle := c.m.Node()
	i := issuing.New(handle, c.ca, newBook(c.t).Logger, issuing.Options{})
	return &member{make1(c.t, cfg, i), handle, i}
}

// start begins with all of them.
func (c *cluster) start() *cluster {
	for _, n := range c.nodes {
		if err := errors.Join(n.issuing.Settle(c.t.Context()), n.Load(c.t.Context())); err != nil {
			c.t.Fatal(err)
		}
		n.run(c.t)
	}
	return c
}

func (c *cluster) tell(by *storagetest.Node, key string) {
	if c.deaf {
		return
	}
	for _, n := range c.nodes {
		if n.handle == by {
			continue
		}
		for _, name := range issuing.NamesOf(key) {
			time.AfterFunc(newsTake, func() { n.Stored(name) })
		}
	}
}

// back ends an outage, and all nodes hear of it.
func (c *cluster) back() {
	c.m.SetDown(false)
	for _, n := range c.nodes {
		n.Stored("")
	}
}

// agree reports whether every node serves the same valid certificate for each name.
func (c *cluster) agree(names []string) bool {
	for _, name := range names {
		for _, n := range c.nodes {
			if s, _ := n.Status(name); s.State != acme.Valid || s.Serial != c.nodes[0].serial(name) {
				return false
			}
		}
	}
	return true
}

func (c *cluster) logged(words ...string) (lines []string) {
	for _, n := range c.nodes {
		lines = append(lines, n.log.with(words...)...)
	}
	return lines
}

// once is sync.OnceFunc whose other callers do not wait.
func once(f func()) func() {
	var done atomic.Bool
	return func() {
		if !done.Swap(true) {
			f()
		}
	}
}

// oneCA signs for all nodes, and knows what it was asked.
type oneCA struct {
	t   *testing.T
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	orders map[string][]time.Time // by name
	takes  time.Duration
	life   time.Duration
	err    error
	during func() // in the middle of each order
	now    int
	most   int
	serial int64
}

func newOneCA(t *testing.T) *oneCA {
	return &oneCA{t: t, key: newKey(t), orders: map[string][]time.Time{}, takes: time.Second, life: 90 * day}
}

func (ca *oneCA) set(f func()) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	f()
}

// Issue implements issuing.LocalCA.
func (ca *oneCA) Issue(ctx context.Context, csr *x509.CertificateRequest) ([]byte, error) {
	var takes, life time.Duration
	var err error
	var during func()
	var serial int64
	ca.set(func() {
		ca.orders[csr.DNSNames[0]] = append(ca.orders[csr.DNSNames[0]], time.Now())
		ca.now++
		ca.serial++
		ca.most, serial = max(ca.most, ca.now), ca.serial
		takes, life, err, during = ca.takes, ca.life, ca.err, ca.during
	})
	defer ca.set(func() { ca.now-- })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(takes):
	}
	if during != nil {
		during()
	}
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "One CA"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(life), DNSNames: csr.DNSNames,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, csr.PublicKey, ca.key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

func (ca *oneCA) count() (all int) {
	ca.set(func() {
		for _, at := range ca.orders {
			all += len(at)
		}
	})
	return all
}

// twice are the names that were ordered more than once.
func (ca *oneCA) twice() (names []string) {
	ca.set(func() {
		for name, at := range ca.orders {
			if len(at) > 1 {
				names = append(names, fmt.Sprintf("%s %d times", name, len(at)))
			}
		}
	})
	return names
}

func internal(names ...string) acme.Config {
	return acme.Config{Policies: []acme.Policy{{Names: names, Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}}}
}

// Three nodes start at once with a hundred names: each is ordered once, nodes share the work
// instead of waiting for each other, and all serve the same. Without news of each other too.
func TestThreeNodesShareAHundredOrders(t *testing.T) {
	t.Parallel()
	alone, together := share(t, 1, false), share(t, 3, false)
	if together > alone/2 {
		t.Errorf("three nodes took %v for what one does in %v", together, alone)
	}
	share(t, 3, true)
}

// share lets so many nodes get, and renew, a hundred certificates, and returns how long the
// first ones took.
func share(t *testing.T, nodes int, deaf bool) (took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		names := numbered(100)
		c := newCluster(t, nodes, internal(names...))
		c.deaf = deaf
		c.ca.takes, c.ca.life = 5*time.Second, 24*time.Hour
		begun := time.Now()
		c.start()
		within(t, 10*time.Minute, "all names on all nodes", func() bool { return c.agree(names) })
		took = time.Since(begun)
		t.Logf("%d nodes, deaf %v: %v", nodes, deaf, took)
		if c.ca.count() != len(names) {
			t.Errorf("%d orders for %d names; %v", c.ca.count(), len(names), c.ca.twice())
		}
		if failed := c.logged("failed"); len(failed) > 0 {
			t.Errorf("the log speaks of failures: %v", failed[0])
		}
		if held := c.m.Held(); len(held) > 0 {
			t.Errorf("locks are left: %q", held)
		}
		time.Sleep(16*time.Hour + time.Minute)
		if c.ca.count() != 2*len(names) || !deaf && !c.agree(names) {
			t.Errorf("%d orders after one renewal of each, want %d, and the same on all nodes", c.ca.count(), 2*len(names))
		}
	})
	return took
}

// An order that takes minutes on one node keeps no lane of another waiting, and is nobody's
// failure.
func TestALongOrderElsewhereDelaysNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := []string{"slow1.example", "slow2.example", "slow3.example", "slow4.example", "slow5.example", "slow6.example", "slow7.example", "slow8.example"}
		c := newCluster(t, 3, internal(slow...))
		c.ca.takes = 4 * time.Minute
		c.start()
		time.Sleep(30 * time.Second)
		c.ca.set(func() { c.ca.takes = time.Second })
		for _, n := range c.nodes {
			if err := n.Reconfigure(internal(append(slow, "quick.example")...)); err != nil {
				t.Fatal(err)
			}
		}
		within(t, 5*time.Second, "the quick one on all nodes", func() bool { return c.agree([]string{"quick.example"}) })
		within(t, 5*time.Minute, "the slow ones", func() bool { return c.agree(slow) })
		if twice := c.ca.twice(); len(twice) > 0 {
			t.Errorf("ordered: %v", twice)
		}
		for _, n := range c.nodes {
			for _, name := range slow {
				if s, _ := n.Status(name); s.Failures != 0 || s.LastError != "" {
					t.Errorf("%s: %+v", name, s)
				}
			}
		}
	})
}

// The node that orders goes away in the middle: another one steps in when its lock is free.
func TestAnotherNodeStepsInForOneThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, internal("a.example"))
		if _, err := c.nodes[0].issuing.Lock(t.Context(), "a.example"); err != nil {
			t.Fatal(err)
		}
		c.start()
		time.Sleep(20 * time.Minute)
		if c.ca.count() != 0 {
			t.Error("it was ordered while somebody was about it")
		}
		if s := c.nodes[1].wantState(t, "while it waits", "a.example", acme.Missing); s.Failures != 0 {
			t.Errorf("status = %+v, want no failure", s)
		}
		c.m.TakeAway(c.nodes[0].handle, "")
		within(t, 40*time.Second, "the certificate", func() bool { return c.agree([]string{"a.example"}) })
		if c.ca.count() != 1 {
			t.Errorf("%d orders", c.ca.count())
		}
	})
}

// All hear of a revocation at once, or one node first and the others an hour later, or some
// never: there is one replacement.
func TestARevocationIsOneReplacement(t *testing.T) {
	t.Parallel()
	for what, hears := range map[string][]time.Duration{
		"all at once": {0, 0, 0}, "an hour later": {0, time.Hour, 2 * time.Hour}, "during the order": {0, 500 * time.Millisecond, 1100 * time.Millisecond}, "one only": {0, -1, -1},
	} {
		for _, deaf := range []bool{false, true} {
			t.Run(fmt.Sprint(what, ", deaf ", deaf), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					names := numbered(12)
					c := newCluster(t, 3, internal(names...)).start()
					within(t, 5*time.Minute, "the first ones", func() bool { return c.agree(names) })
					c.deaf = deaf
					before := c.ca.count()
					for i, n := range c.nodes {
						for _, name := range names {
							leaf := n.leaf(t, nil, name)
							if hears[i] >= 0 {
								time.AfterFunc(hears[i], func() { n.Revoked(leaf, revoked()) })
							}
						}
					}
					time.Sleep(3 * time.Hour)
					synctest.Wait()
					if got := c.ca.count() - before; got != len(names) {
						t.Errorf("%d replacements of %d certificates", got, len(names))
					}
					if (!deaf || hears[1] >= 0) && !c.agree(names) {
						t.Error("not all nodes serve the replacements")
					}
					away := 0
					for key := range c.m.Snapshot() {
						if strings.HasPrefix(key, "quarantine/") && strings.HasSuffix(key, ".key") {
							away++
						}
					}
					if away != len(names) {
						t.Errorf("%d keys in quarantine, want %d", away, len(names))
					}
				})
			})
		}
	}
}

// A node sleeps for longer than its leases in the middle of an order, and another one steps in.
func TestANodeThatSleptLeavesTheNextOnesWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, internal("a.example"))
		asleep := once(func() {
			for _, n := range c.nodes {
				if s, _ := n.Status("a.example"); s.Working {
					c.m.TakeAway(n.handle, "")
				}
			}
			time.Sleep(2 * time.Minute)
		})
		c.ca.during = asleep
		c.start()
		within(t, time.Minute, "the next one's certificate", func() bool {
			return c.nodes[0].serial("a.example")+c.nodes[1].serial("a.example") != ""
		})
		stored := c.m.Snapshot()
		within(t, 5*time.Minute, "the same on both", func() bool { return c.agree([]string{"a.example"}) })
		time.Sleep(time.Hour)
		if now := c.m.Snapshot(); !maps.Equal(now, stored) {
			t.Errorf("the sleeper has made %v of %v", slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(stored)))
		}
		if c.ca.count() != 2 || len(c.logged("level=WARN", "lock was lost")) == 0 {
			t.Errorf("%d orders, and the log says of a lost lock: %v", c.ca.count(), c.logged("lock was lost"))
		}
		if failed := c.logged("failed"); len(failed) > 0 {
			t.Errorf("it counts as a failure: %v", failed)
		}
	})
}

// Without storage nothing is ordered, what is served stays, and it is said once. Back again,
// things go on at once.
func TestNothingIsOrderedWithoutStorage(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			names := numbered(20)
			c := newCluster(t, 3, internal(names[:10]...)).start()
			within(t, 5*time.Minute, "the first ten", func() bool { return c.agree(names[:10]) })
			c.m.SetDown(true)
			for _, n := range c.nodes {
				if err := n.Reconfigure(internal(names...)); err != nil {
					t.Fatal(err)
				}
				n.Stored("")
				n.Revoked(n.leaf(t, nil, names[0]), revoked())
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if c.ca.count() != 10 {
				t.Errorf("%d orders without a storage", c.ca.count()-10)
			}
			for _, n := range c.nodes {
				n.wantState(t, "meanwhile", names[1], acme.Valid)
				if s := n.wantState(t, "meanwhile", names[15], acme.Missing); s.Failures != 0 || !strings.Contains(s.LastError, "unavailable") {
					t.Errorf("status = %+v", s)
				}
				if n := len(n.log.with("level=WARN")); n != 1 {
					t.Errorf("%d warnings of one outage on a node", n)
				}
			}
			back := time.Now()
			if told {
				c.back()
				within(t, 15*time.Second, "everything", func() bool { return c.agree(names) })
			} else {
				c.m.SetDown(false)
				within(t, time.Minute, "everything", func() bool { return c.agree(names) })
			}
			t.Logf("told %v: after %v", told, time.Since(back))
			if c.ca.count() != 21 {
				t.Errorf("%d orders, want 10, 10 more and a replacement", c.ca.count())
			}
			if n := len(c.logged("storage is available again")); n != 3 {
				t.Errorf("%d say that storage is back, want all 3", n)
			}
		})
	}
}

// The storage goes down while the CA issues: the certificate is served, and saved later, by the
// node that has it; nobody orders another one.
func TestAnIssuedCertificateThatCannotBeSavedIsNotLost(t *testing.T) {
	t.Parallel()
	for what, down := range map[string]time.Duration{"within the lease": 10 * time.Second, "for long": 10 * time.Minute} {
		for _, told := range []string{"all", "nobody", "the others"} {
			t.Run(what+", telling "+told, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := newCluster(t, 3, internal("a.example"))
					var has *member
					c.ca.during = once(func() {
						c.m.SetDown(true)
						for _, n := range c.nodes {
							if len(c.m.Held()) > 0 && n.handle.Holds(c.m.Held()[0]) {
								has = n
							}
						}
						if down > 15*time.Second {
							time.AfterFunc(15*time.Second, func() { c.m.TakeAway(has.handle, "") })
						}
					})
					c.start()
					time.Sleep(5 * time.Second)
					time.Sleep(down - 4*time.Second)
					if down > time.Minute {
						has.wantState(t, "while storage is down", "a.example", acme.Valid)
						if told := has.told.list(); len(told) != 1 {
							t.Errorf("OnChange was told %q", told)
						}
					}
					c.m.SetDown(false)
					for _, n := range c.nodes {
						if told == "all" || told == "the others" && n != has {
							n.Stored("")
						}
					}
					within(t, time.Minute, "the same on all", func() bool { return c.agree([]string{"a.example"}) })
					if c.ca.count() != 1 {
						t.Errorf("%d orders, want one", c.ca.count())
					}
					if _, err := has.issuing.Load(t.Context(), internal("a.example").Policies[0], "a.example"); err != nil {
						t.Errorf("in storage: %v", err)
					}
					time.Sleep(time.Hour)
					if told := has.told.list(); len(told) != 1 {
						t.Errorf("OnChange was told %q, want it once", told)
					}
					if s := has.wantState(t, "at the end", "a.example", acme.Valid); s.LastError != "" || s.Failures != 0 {
						t.Errorf("status = %+v", s)
					}
				})
			})
		}
	}
}

// What another node has got meanwhile is not overwritten by what was not saved.
func TestWhatWasNotSavedDoesNotReplaceAnothersCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, internal("a.example"))
		peer := c.join(internal("a.example")) // does not run
		c.ca.during = once(func() { c.m.SetDown(true) })
		c.start()
		time.Sleep(time.Minute)
		mine := c.nodes[0].wantState(t, "unsaved", "a.example", acme.Valid).Serial
		c.m.TakeAway(c.nodes[0].handle, "")
		c.m.SetDown(false)
		other, err := peer.issuing.Obtain(t.Context(), internal("a.example").Policies[0], "a.example")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := c.nodes[0].serial("a.example"); s == mine || s != serialOf(other) {
			t.Errorf("serves %s, want the stored %s", s, serialOf(other))
		}
		if _, err := peer.handle.Load(t.Context(), "pending"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

// A renewal that cannot be saved keeps what is served; saved later, it takes its place.
func TestARenewalThatCannotBeSavedIsSavedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, internal("a.example"))
		c.ca.life = 24 * time.Hour
		c.start()
		names := []string{"a.example"}
		within(t, time.Minute, "the first", func() bool { return c.agree(names) })
		first := c.nodes[0].serial("a.example")
		c.ca.set(func() { c.ca.during = once(func() { c.m.SetDown(true) }) })
		within(t, 17*time.Hour, "the renewal", func() bool { return c.m.Down() })
		time.Sleep(time.Hour)
		for _, n := range c.nodes {
			if n.wantState(t, "while storage is down", "a.example", acme.Valid); n.serial("a.example") != first {
				t.Error("something else is served already")
			}
		}
		c.back()
		within(t, 5*time.Second, "the renewed one on all", func() bool { return c.agree(names) && c.nodes[1].serial("a.example") != first })
		if c.ca.count() != 2 {
			t.Errorf("%d orders, want one for each certificate", c.ca.count())
		}
	})
}
