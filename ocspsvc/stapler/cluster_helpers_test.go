package stapler_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

// leaseTime is how long the lease of a dead node lasts.
const leaseTime = 15 * time.Second

var errStorageDown = errors.New("storage is unavailable")

// cluster is several nodes over one storage and one network.
type cluster struct {
	t       *testing.T
	ca      *ocsptest.CA
	one     *ocsptest.Responder
	network *network
	disk    *disk
	leaves  []*ocsptest.Leaf
	nodes   []*node

	mu     sync.Mutex
	leases map[string]leaseOf
	writes map[string]int // by key
	reads  int
}

type leaseOf struct {
	holder *node
	ends   time.Time // zero while the holder lives
}

// node is one of a cluster. It is storage and leases as this node sees them.
type node struct {
	*disk
	cluster *cluster
	catalog *shelf
	book    *ocsptest.Book
	service *stapler.Service
	cfg     stapler.Config
	stop    func()

	mu    sync.Mutex
	fault error         // of every call
	hangs chan struct{} // until it is closed no call comes back, if not nil
	obeys bool          // a call that hangs ends with its context
	slow  time.Duration // every call
	late  time.Duration // what is read is that old when it arrives
	skew  time.Duration // how far the node's clock is ahead
	deaf  bool          // hears of no change
	dead  bool
	apart bool // need not be stapled, and may be loud

	leasesHang chan struct{}   // as hangs, leases only
	noLeases   error           // as fault, leases only
	fetcher    stapler.Fetcher // in place of the cluster's network
}

// setUpCluster makes n nodes that look after the same leaves. Nothing runs yet.
func setUpCluster(t *testing.T, n int, cfg stapler.Config, leaves ...func(*ocsptest.CA) *ocsptest.Leaf) *cluster {
	t.Helper()
	c := &cluster{t: t, ca: ocsptest.NewCA(t), disk: newDisk(), leases: map[string]leaseOf{}, writes: map[string]int{}}
	c.one = ocsptest.NewResponder(t, c.ca)
	c.network = newNetwork(map[string]stapler.Fetcher{"one.example": c.one})
	for _, leaf := range leaves {
		c.leaves = append(c.leaves, leaf(c.ca))
	}
	for range n {
		c.join(cfg)
	}
	return c
}

// join makes one node more.
func (c *cluster) join(cfg stapler.Config) *node {
	c.t.Helper()
	n := &node{disk: c.disk, cluster: c, catalog: newShelf(), cfg: cfg, stop: func() {}}
	n.catalog.put(c.leaves...)
	n.build()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = append(c.nodes, n)
	return n
}

// build makes the node's service, as a new process would.
func (n *node) build() {
	t := n.cluster.t
	t.Helper()
	n.stop()
	n.stop = func() {}
	n.book = ocsptest.NewBook(t)
	n.catalog.detachAll()
	s, err := stapler.New(n.cfg, n.catalog, n, respstore.New(n, n.book.Log), n.book.Log,
		stapler.WithRevocations(n.catalog), stapler.WithLeases(n))
	if err != nil {
		t.Fatal(err)
	}
	n.service = s
}

// run loads, primes if asked to, and runs until the test ends.
func (n *node) run(prime bool) {
	t := n.cluster.t
	if err := n.service.Load(t.Context()); err != nil {
		t.Error(err)
	}
	if prime {
		n.service.Prime(t.Context())
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.service.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(n.stop)
}

// runAll runs every node at once.
func (c *cluster) runAll(prime bool) {
	var starts sync.WaitGroup
	for _, n := range c.nodes {
		starts.Go(func() { n.run(prime) })
	}
	starts.Wait()
}

// everybody is the nodes, also while one joins.
func (c *cluster) everybody() []*node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.nodes)
}

// usual is the nodes without those that are apart.
func (c *cluster) usual() []*node {
	return slices.DeleteFunc(c.everybody(), func(n *node) bool { return n.apart })
}

// set changes a node's faults.
func (n *node) set(change func(*node)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

// die is kill -9: nothing of the node happens any more, and its leases end.
func (n *node) die() {
	n.set(func(n *node) { n.dead = true })
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	for name, l := range n.cluster.leases {
		if l.holder == n {
			l.ends = time.Now().Add(leaseTime)
			n.cluster.leases[name] = l
		}
	}
}

// mend ends the faults of its storage.
func (n *node) mend() {
	n.set(func(n *node) {
		n.fault, n.noLeases = nil, nil
		if n.hangs != nil {
			close(n.hangs)
			n.hangs = nil
		}
	})
}

func when(it bool, c <-chan struct{}) <-chan struct{} {
	if it {
		return c
	}
	return nil
}

func hexOf(l *ocsptest.Leaf) string {
	leaf := l.Fingerprint()
	return hex.EncodeToString(leaf[:])
}

// call is what happens to every call of the storage.
func (n *node) call(ctx context.Context) error {
	n.mu.Lock()
	fault, hangs, obeys, slow, dead := n.fault, n.hangs, n.obeys, n.slow, n.dead
	n.mu.Unlock()
	if dead {
		hangs, obeys = make(chan struct{}), true
	}
	if hangs != nil {
		select {
		case <-hangs:
		case <-when(obeys, ctx.Done()):
		}
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
		}
	}
	return errors.Join(ctx.Err(), fault)
}

func (n *node) Store(ctx context.Context, key string, value []byte) error {
	if err := n.call(ctx); err != nil {
		return err
	}
	if err := n.disk.Store(ctx, key, shifted(value, n.skew)); err != nil {
		return err
	}
	n.cluster.mu.Lock()
	n.cluster.writes[key]++
	n.cluster.mu.Unlock()
	n.cluster.tell(n, key)
	return nil
}

// tell says to the other nodes that key has changed.
func (c *cluster) tell(by *node, key string) {
	raw, err := hex.DecodeString(strings.TrimPrefix(key, "ocsp/"))
	if err != nil || len(raw) != 32 {
		return
	}
	for _, n := range c.everybody() {
		n.mu.Lock()
		hears := n != by && !n.deaf && !n.dead
		n.mu.Unlock()
		if hears {
			time.AfterFunc(100*time.Millisecond, func() { n.service.Stored([32]byte(raw)) })
		}
	}
}

func (n *node) Load(ctx context.Context, key string) ([]byte, error) {
	if err := n.call(ctx); err != nil {
		return nil, err
	}
	n.cluster.mu.Lock()
	n.cluster.reads++
	n.cluster.mu.Unlock()
	value, err := n.disk.Load(ctx, key)
	time.Sleep(n.late)
	return shifted(value, -n.skew), err
}

func (n *node) Delete(ctx context.Context, key string) error {
	if err := n.call(ctx); err != nil {
		return err
	}
	return n.disk.Delete(ctx, key)
}

func (n *node) TryLock(ctx context.Context, name string) (bool, error) {
	if err := n.call(ctx); err != nil {
		return false, err
	}
	n.mu.Lock()
	noLeases, hang := n.noLeases, n.leasesHang
	n.mu.Unlock()
	if noLeases != nil {
		return false, noLeases
	}
	if hang != nil {
		select {
		case <-hang:
		case <-when(n.obeys, ctx.Done()):
			return false, ctx.Err()
		}
	}
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, held := c.leases[name]; held && (l.ends.IsZero() || time.Now().Before(l.ends)) {
		return false, nil
	}
	c.leases[name] = leaseOf{holder: n}
	return true, nil
}

func (n *node) Unlock(ctx context.Context, name string) error {
	if err := n.call(ctx); err != nil {
		return err
	}
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leases[name].holder != n {
		return errors.New("lock is not held")
	}
	delete(c.leases, name)
	return nil
}

// Fetch is the network as this node sees it.
func (n *node) Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
	if n.fetcher != nil {
		return n.fetcher.Fetch(ctx, leaf, issuer)
	}
	if n.isDead() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	response, err := n.cluster.network.Fetch(ctx, leaf, issuer)
	if n.isDead() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return response, err
}

func (n *node) isDead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead
}

// leased counts the leases that are held.
func (c *cluster) leased() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.leases)
}

// looked counts the reads of everything.
func (c *cluster) looked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

// written counts the writes of everything.
func (c *cluster) written() (all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.writes {
		all += n
	}
	return all
}

// wantStapled checks that every node staples everything.
func (c *cluster) wantStapled(when string) {
	c.t.Helper()
	for i, n := range c.usual() {
		if got := n.catalog.serving(c.leaves); got != len(c.leaves) {
			c.t.Errorf("%s: node %d staples %d of %d", when, i, got, len(c.leaves))
		}
	}
}

// wantFetches checks how often anybody was asked.
func (c *cluster) wantFetches(when string, least, most int) {
	c.t.Helper()
	if got := c.network.count(); got < least || got > most {
		c.t.Errorf("%s: %d requests, want %d to %d", when, got, least, most)
	}
}

// wantQuiet checks that nobody was bothered.
func (c *cluster) wantQuiet(when string) {
	c.t.Helper()
	for i, n := range c.usual() {
		if n.book.Loud() > 0 {
			c.t.Errorf("%s: node %d was loud", when, i)
		}
	}
}

// shifted is a record with its time of refresh moved, as a node with another
// clock reads and writes it.
func shifted(value []byte, by time.Duration) []byte {
	const at = len("dwaar staple 1\n") + 32
	if by == 0 || len(value) < at+8+sha256.Size {
		return value
	}
	body := append([]byte(nil), value[:len(value)-sha256.Size]...)
	binary.BigEndian.PutUint64(body[at:], binary.BigEndian.Uint64(body[at:])+uint64(by))
	sum := sha256.Sum256(body)
	return append(body, sum[:]...)
}

// plains makes n leaves.
func plains(t *testing.T, n int) (makers []func(*ocsptest.CA) *ocsptest.Leaf) {
	for range n {
		makers = append(makers, plain()(t))
	}
	return makers
}

// gauge is the value of a service's gauge without labels.
func gauge(t *testing.T, s *stapler.Service, name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return 0
}
