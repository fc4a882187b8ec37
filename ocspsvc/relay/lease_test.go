package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
	"dwaar/tlsstore/storage"
)

// locks are leases that last 15 s unless their holder lives.
type locks struct {
	mu     sync.Mutex
	held   map[string]*node
	taken  int
	broken error
	delay  time.Duration // of TryLock
	hangs  chan struct{} // until closed
}

// node is one process that uses locks.
type node struct {
	locks *locks
	died  time.Time // zero while it lives
}

func (n *node) gone() bool { return !n.died.IsZero() && time.Since(n.died) > 15*time.Second }

func (n *node) TryLock(ctx context.Context, name string) (bool, error) {
	l := n.locks
	l.mu.Lock()
	delay, hangs, broken := l.delay, l.hangs, l.broken
	l.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	time.Sleep(delay)
	l.mu.Lock()
	defer l.mu.Unlock()
	if holder := l.held[name]; holder != nil && !holder.gone() || broken != nil {
		return false, broken
	}
	l.held[name] = n
	l.taken++
	return true, nil
}

func (n *node) Unlock(_ context.Context, name string) error {
	n.locks.mu.Lock()
	defer n.locks.mu.Unlock()
	if n.locks.held[name] != n {
		return errors.New("lock is not held")
	}
	if n.died.IsZero() {
		delete(n.locks.held, name)
	}
	return nil
}

func (l *locks) change(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *locks) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held)
}

// cluster is relays on one storage, and with leases.
type cluster struct {
	*desk
	locks  *locks
	nodes  []*node
	relays []*relay.Relay
	stops  []func()
}

func newCluster(t *testing.T, relays int, prepare func(d *desk)) *cluster {
	t.Helper()
	d := newDesk(t)
	d.close()
	c := &cluster{desk: d, locks: &locks{held: map[string]*node{}}}
	if prepare != nil {
		prepare(d)
	}
	for range relays {
		c.add()
	}
	return c
}

func (c *cluster) add() {
	c.t.Helper()
	n := &node{locks: c.locks}
	c.stop, c.options = nil, []relay.Option{relay.WithLeases(n)}
	c.open()
	c.nodes, c.relays, c.stops = append(c.nodes, n), append(c.relays, c.relay), append(c.stops, c.stop)
	c.t.Cleanup(c.stop)
}

// askAll asks each relay so many times, all at once.
func (c *cluster) askAll(times int, leaf *ocsptest.Leaf, want string) {
	c.t.Helper()
	var askers sync.WaitGroup
	for i := range c.relays {
		one := *c.desk
		one.relay = c.relays[i]
		for range times {
			askers.Go(func() {
				if got := one.ask(leaf); got != want {
					c.t.Errorf("relay %d: answer = %q, want %q", i, got, want)
				}
			})
		}
	}
	askers.Wait()
	synctest.Wait()
}

// askOne asks one relay.
func (c *cluster) askOne(i int, leaf *ocsptest.Leaf) string {
	one := *c.desk
	one.relay = c.relays[i]
	return one.ask(leaf)
}

func TestAThousandEqualMissesAtThreeRelaysAreOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		c.responder.Change(func(s *ocsptest.Settings) { s.Delay = time.Second })
		leaf := c.ca.Leaf(t)
		begun := time.Now()
		c.askAll(334, leaf, "good")
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		if n := c.responder.Count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if c.locks.count() != 0 {
			t.Error("a lease was not given back")
		}
	})
}

func TestRelaysOnOneStorageAskOnceForEachRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const certificates, relays = 5, 3
		c := newCluster(t, relays, func(d *desk) {
			for i := range certificates {
				d.file(fmt.Sprintf("%d.crt", i), ocsptest.CertPEM(d.ca.Leaf(t).Cert))
			}
			d.cfg.Certificates = []string{d.dir + "/*.crt"}
		})
		time.Sleep(time.Minute)
		if n := c.responder.Count(); n != certificates {
			t.Errorf("%d requests at first, want %d", n, certificates)
		}
		time.Sleep(5 * day)
		if n := c.responder.Count(); n < 6*certificates || n > 7*certificates {
			t.Errorf("%d requests in 5 days, want one a day for each certificate", n)
		}
		for i := range relays {
			c.relay = c.relays[i]
			if c.count("answers", "prefetched") != certificates {
				t.Errorf("relay %d has %v", i, c.count("answers", "prefetched"))
			}
		}
		if c.locks.count() != 0 {
			t.Errorf("%d leases were not given back", c.locks.count())
		}
	})
}

// Without leases each is alone, and no worse off.
func TestWithoutLeasesEachRelayAsks(t *testing.T) {
	for name, fail := range map[string]func(l *locks, end chan struct{}){
		"broken":  func(l *locks, _ chan struct{}) { l.broken = errors.New("connection refused") },
		"slow":    func(l *locks, _ chan struct{}) { l.delay = 3 * time.Second },
		"hanging": func(l *locks, end chan struct{}) { l.hangs = end },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 3, nil)
				end := make(chan struct{})
				c.locks.change(func() { fail(c.locks, end) })
				leaf, next := c.ca.Leaf(t), c.ca.Leaf(t)
				begun := time.Now()
				c.askAll(100, leaf, "good")
				if took := time.Since(begun); took > 2100*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if n := c.responder.Count(); n < 1 || n > 3 {
					t.Errorf("%d requests", n)
				}
				begun = time.Now()
				if c.askAll(1, next, "good"); time.Since(begun) > 0 {
					t.Errorf("the next one took %v", time.Since(begun))
				}
				close(end)
				time.Sleep(5 * time.Second)
				if c.locks.count() != 0 {
					t.Error("a lease that came late was not given back")
				}
				c.locks.change(func() { c.locks.broken, c.locks.delay, c.locks.hangs = nil, 0, nil })
				time.Sleep(time.Minute)
				last := c.ca.Leaf(t)
				c.askAll(10, last, "good")
				if n := c.responder.CountFor(last); n != 1 {
					t.Errorf("when there are leases again: %d requests", n)
				}
			})
		})
	}
}

// A storage that hangs as a whole takes nobody's answer.
func TestAHangingStorageIsAsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		end := make(chan struct{})
		c.locks.change(func() { c.locks.hangs = end })
		c.disk.set(func() { c.disk.hangs = end })
		begun := time.Now()
		c.askAll(100, c.ca.Leaf(t), "good")
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		close(end)
		time.Sleep(time.Minute)
		if c.locks.count() != 0 {
			t.Error("a lease was not given back")
		}
	})
}

// Who holds a lease may die: the others wait a moment for him, and not at all when
// his lease is over.
func TestWhoHoldsALeaseMayDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		leaf := c.ca.Leaf(t)
		c.responder.Set(ocsptest.Hang)
		go c.askOne(0, leaf)
		synctest.Wait()
		if c.locks.count() != 1 {
			t.Fatal("nobody has a lease")
		}
		c.locks.change(func() { c.nodes[0].died = time.Now() })
		c.stops[0]()
		c.responder.Set(ocsptest.Good)
		c.relays, c.nodes = c.relays[1:], c.nodes[1:]
		before, begun := c.responder.Count(), time.Now()
		c.askAll(100, leaf, "good")
		if took := time.Since(begun); took > relay.DefaultTimeout {
			t.Errorf("it took %v", took)
		}
		if n := c.responder.Count() - before; n < 1 || n > 2 {
			t.Errorf("%d requests", n)
		}
		c.responder.Set(ocsptest.Revoked)
		time.Sleep(day)
		before = c.responder.Count()
		c.askAll(1, leaf, "revoked")
		if n := c.responder.Count() - before; n != 0 || c.locks.count() != 0 {
			t.Errorf("a day later: %d requests, %d leases", n, c.locks.count())
		}
	})
}

// One relay may not reach the responder; the others do not wait for it.
func TestWhoFailsLetsTheOthersAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		leaf := c.ca.Leaf(t)
		c.responder.Set(ocsptest.HTTP500)
		c.responder.Change(func(s *ocsptest.Settings) { s.Delay = time.Second })
		var first sync.WaitGroup
		first.Go(func() {
			if got := c.askOne(0, leaf); got != "tryLater" {
				t.Errorf("answer = %q", got)
			}
		})
		time.Sleep(500 * time.Millisecond)
		begun := time.Now()
		first.Go(func() {
			first := c.askOne(1, leaf)
			if took := time.Since(begun); first != "good" || took > 4*time.Second {
				t.Errorf("answer = %q after %v", first, took)
			}
		})
		time.Sleep(time.Second)
		c.responder.Set(ocsptest.Good)
		first.Wait()
	})
}

// A storage that takes no answer gets the others no lease for ever.
func TestALeaseEndsThoughItsAnswerCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		end := make(chan struct{})
		defer close(end)
		c.disk.set(func() { c.disk.hangs = end })
		if got := c.askOne(0, c.ca.Leaf(t)); got != "good" || c.locks.count() != 1 {
			t.Errorf("answer = %q, %d leases", got, c.locks.count())
		}
		time.Sleep(2 * relay.DefaultTimeout)
		if c.locks.count() != 0 {
			t.Error("it is still held")
		}
	})
}

func TestTheEndOfRunEndsLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		c.responder.Set(ocsptest.Hang)
		go c.askOne(0, c.ca.Leaf(t))
		synctest.Wait()
		if c.locks.count() != 1 {
			t.Fatal("nobody has a lease")
		}
		c.stops[0]()
		if c.locks.count() != 0 {
			t.Error("it is still held")
		}
	})
}

// A relay that was held up does not write what others have got to know better since.
func TestALateAnswerDoesNotOverwriteARevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		leaf := c.ca.Leaf(t)
		c.locks.change(func() { c.locks.broken = errors.New("connection refused") })
		late := newDisk()
		late.next = c.disk
		end := make(chan struct{})
		late.hangs = end
		c.storage = late
		c.add()
		if got := c.askOne(2, leaf); got != "good" {
			t.Fatalf("answer = %q", got)
		}
		c.responder.Set(ocsptest.Revoked)
		time.Sleep(5 * time.Second)
		if got := c.askOne(0, leaf); got != "revoked" {
			t.Errorf("another relay: %q", got)
		}
		synctest.Wait()
		close(end)
		late.set(func() { late.hangs = nil })
		time.Sleep(time.Minute)
		c.down()
		c.storage = c.disk
		c.add()
		if got := c.askOne(3, leaf); got != "revoked" {
			t.Errorf("after a restart: %q", got)
		}
	})
}

// What one relay gets to know, the others know as soon as they are told where.
func TestARevocationIsKnownToAllRelaysAtOnce(t *testing.T) {
	for name, tell := range map[string]func(r *relay.Relay, key string){
		"its key": func(r *relay.Relay, key string) { r.Stored(key) },
		"no key":  func(r *relay.Relay, _ string) { r.Stored("") },
		"too many keys": func(r *relay.Relay, key string) {
			for range 5000 {
				r.Stored(key)
			}
		},
		"others, too": func(r *relay.Relay, key string) {
			for _, other := range []string{"relay", "relay/", "relay/xyz", "ocsp/" + key, "certificates/a/b.crt"} {
				r.Stored(other)
			}
			r.Stored(key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 1, nil)
				leaf := c.ca.Leaf(t)
				c.askAll(1, leaf, "good")
				key := c.disk.keys()[0]
				c.responder.Set(ocsptest.Revoked)
				c.disk.set(func() { clear(c.disk.files) }) // so that another one asks before its time
				time.Sleep(time.Minute)
				c.add()
				if first, second := c.askOne(0, leaf), c.askOne(1, leaf); first != "good" || second != "revoked" {
					t.Fatalf("before: %q and %q", first, second)
				}
				synctest.Wait()
				tell(c.relays[0], key)
				synctest.Wait()
				if got := c.askOne(0, leaf); got != "revoked" {
					t.Errorf("who was told: %q", got)
				}
			})
		})
	}
}

// There is no tryLater any more for what another relay could get.
func TestWhatAnotherRelayGotIsServedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		leaf := c.ca.Leaf(t)
		c.responder.Set(ocsptest.HTTP500)
		if got := c.askOne(0, leaf); got != "tryLater" {
			t.Errorf("answer = %q", got)
		}
		c.responder.Set(ocsptest.Good)
		if got := c.askOne(1, leaf); got != "good" {
			t.Errorf("another relay: %q", got)
		}
		synctest.Wait()
		before := c.responder.Count()
		if c.relays[0].Stored(c.disk.keys()[0]); c.askOne(0, leaf) == "good" {
			t.Log("known before it was looked at")
		}
		synctest.Wait()
		if got := c.askOne(0, leaf); got != "good" || c.responder.Count() != before {
			t.Errorf("who was told: %q, %d requests", got, c.responder.Count()-before)
		}
	})
}

// In a real directory that two processes have in common.
func TestRelaysOnOneDataDirectoryAskOnce(t *testing.T) {
	d := newDesk(t)
	d.close()
	d.responder.Change(func(s *ocsptest.Settings) { s.Delay = 200 * time.Millisecond })
	dir := t.TempDir()
	var relays []*relay.Relay
	for range 2 {
		files, err := storage.NewFileSystem(dir)
		if err != nil {
			t.Fatal(err)
		}
		d.storage, d.options, d.stop = files, []relay.Option{relay.WithLeases(files)}, nil
		d.open()
		relays = append(relays, d.relay)
	}
	leaf := d.ca.Leaf(t)
	var askers sync.WaitGroup
	for i := range 200 {
		one := *d
		one.relay = relays[i%2]
		askers.Go(func() {
			if got := one.ask(leaf); got != "good" {
				t.Errorf("answer = %q", got)
			}
		})
	}
	askers.Wait()
	if n := d.responder.Count(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}
