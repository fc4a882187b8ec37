package crl_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

// node is one of several watchers over one disk: storage and leases as it sees them.
type node struct {
	*disk
	bench   *bench
	catalog *shelf
	book    *ocsptest.Book
	watcher *crl.Watcher
	others  []*node
	leases  *leases
	deaf    bool // hears of nothing
	reads   atomic.Int32
}

// leases are those of all nodes.
type leases struct {
	mu     sync.Mutex
	held   map[string]*node
	broken error
}

// cluster makes n nodes that watch the same leaf; with one network, and b's disk.
func cluster(t *testing.T, b *bench, n int) (*ocsptest.Leaf, []*node) {
	t.Helper()
	leaf, shared := b.leaf(), &leases{held: map[string]*node{}}
	var nodes []*node
	for range n {
		n := &node{disk: b.disk, bench: b, catalog: newShelf(), book: ocsptest.NewBook(t), leases: shared}
		n.catalog.put(leaf)
		w, err := crl.New(b.cfg, n.catalog, b.network.guard(), n, n.catalog, n.book.Log, crl.WithLeases(n))
		if err != nil {
			t.Fatal(err)
		}
		n.watcher = w
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		n.others = nodes
	}
	return leaf, nodes
}

func runAll(t *testing.T, nodes []*node) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, n := range nodes {
		running.Go(func() {
			if err := errors.Join(n.watcher.Load(ctx), n.watcher.Run(ctx)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); running.Wait() })
}

func (n *node) Store(ctx context.Context, key string, value []byte) error {
	if err := n.disk.Store(ctx, key, value); err != nil {
		return err
	}
	for _, other := range n.others {
		if other != n && !other.deaf {
			time.AfterFunc(100*time.Millisecond, func() { other.watcher.Stored(key) })
		}
	}
	return nil
}

func (n *node) Load(ctx context.Context, key string) ([]byte, error) {
	n.reads.Add(1)
	return n.disk.Load(ctx, key)
}

func (n *node) TryLock(_ context.Context, name string) (bool, error) {
	n.leases.mu.Lock()
	defer n.leases.mu.Unlock()
	if n.leases.held[name] != nil || n.leases.broken != nil {
		return false, n.leases.broken
	}
	n.leases.held[name] = n
	return true, nil
}

func (n *node) Unlock(_ context.Context, name string) error {
	n.leases.mu.Lock()
	defer n.leases.mu.Unlock()
	delete(n.leases.held, name)
	return nil
}

// downloads counts the whole lists that were sent.
func (s *crlServer) downloads() (n int) {
	for _, h := range s.asked() {
		if h.status == 200 {
			n++
		}
	}
	return n
}

func TestOneOfSeveralNodesReadsAListThatHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		b.one.delay = 500 * time.Millisecond
		leaf, nodes := cluster(t, b, 3)
		runAll(t, nodes)
		b.settle()
		for range 5 {
			time.Sleep(day)
			b.publish()
		}
		time.Sleep(day)
		if n := b.one.downloads(); n != 6 {
			t.Errorf("%d downloads of 6 lists", n)
		}
		b.publish(leaf)
		for b.one.downloads() == 6 {
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Second)
		for i, n := range nodes {
			if s := n.watcher.Status(leaf.Fingerprint()); s.State != crl.Revoked || !n.catalog.revoked(leaf) {
				t.Errorf("node %d: %+v", i, s)
			}
		}
		time.Sleep(time.Hour)
		if n := b.one.downloads(); n != 7 {
			t.Errorf("%d downloads of 7 lists", n)
		}
		for i, n := range nodes {
			if n.book.Loud() > 1 { // that it is revoked
				t.Errorf("node %d was loud", i)
			}
		}
	})
}

func TestNodesThatStartAtOnceDownloadOnceAlsoIfTheyHearOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		b.one.delay = 500 * time.Millisecond
		leaf, nodes := cluster(t, b, 3)
		for _, n := range nodes {
			n.deaf = true
		}
		runAll(t, nodes)
		b.settle()
		for i, n := range nodes {
			if s := n.watcher.Status(leaf.Fingerprint()); s.State != crl.Good {
				t.Errorf("node %d: %+v", i, s)
			}
		}
		if n := b.one.downloads(); n != 1 {
			t.Errorf("%d downloads", n)
		}
	})
}

func TestLeasesThatFailOrStayLeaveEachNodeAlone(t *testing.T) {
	for name, breaks := range map[string]func(*leases, *node){
		"fail": func(l *leases, _ *node) { l.broken = errDisk },
		"stay": func(l *leases, n *node) {
			for _, key := range n.keys() {
				l.held["crl_"+key[len("crl/"):]] = n
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{})
				leaf, nodes := cluster(t, b, 2)
				runAll(t, nodes)
				b.settle()
				nodes[0].leases.mu.Lock()
				breaks(nodes[0].leases, nodes[0])
				nodes[0].leases.mu.Unlock()
				b.publish(leaf)
				time.Sleep(13 * time.Hour)
				for i, n := range nodes {
					if !n.catalog.revoked(leaf) {
						t.Errorf("node %d does not know that it is revoked", i)
					}
				}
			})
		})
	}
}

func TestAListOfAnotherNodeIsJudgedLikeAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf, nodes := cluster(t, b, 1)
		other := b.leaf()
		nodes[0].catalog.put(other)
		runAll(t, nodes)
		b.settle()
		first := b.disk.keys()
		older := map[string][]byte{first[0]: b.disk.file(first[0])}
		b.publish(leaf)
		if _, err := nodes[0].watcher.Refresh(t.Context(), leaf.Fingerprint()); err != nil {
			t.Fatal(err)
		}
		asked, status := b.one.count(), nodes[0].watcher.Status(other.Fingerprint())
		nodes[0].reads.Store(0)
		for _, content := range [][]byte{older[first[0]], []byte("garbage"), nil} {
			b.disk.set(first[0], content)
			for range 100 {
				nodes[0].watcher.Stored(first[0])
				nodes[0].watcher.Stored("")
				nodes[0].watcher.Stored("crl/foreign")
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Minute)
			if s := nodes[0].watcher.Status(other.Fingerprint()); s.State != crl.Good || !s.ThisUpdate.Equal(status.ThisUpdate) || !nodes[0].catalog.revoked(leaf) {
				t.Errorf("after %.20q: %+v", content, s)
			}
		}
		if n := b.one.count(); n != asked {
			t.Errorf("asked %d times because of what is stored", n-asked)
		}
		if n := nodes[0].reads.Load(); n > 3*3 {
			t.Errorf("%d reads of three changes", n)
		}
	})
}

func (d *disk) file(key string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[key]
}

func (d *disk) set(key string, content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[key] = content
}
