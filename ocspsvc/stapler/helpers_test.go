package stapler_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
	"dwaar/tlsstore/storage"
)

const (
	day  = 24 * time.Hour
	url1 = "http://one.example/ocsp"
	url2 = "http://two.example/ocsp"
)

// bench is a service with everything around it faked or in memory.
type bench struct {
	t       *testing.T
	ca      *ocsptest.CA
	one     *ocsptest.Responder
	network *network
	catalog *shelf
	disk    *disk
	book    *ocsptest.Book
	cfg     stapler.Config
	store   *respstore.Store
	service *stapler.Service
	stop    func()
}

// setUp makes a bench with one CA, whose responder answers at url1, and
// leaves to look after. Nothing runs yet.
func setUp(t *testing.T, cfg stapler.Config, leaves ...func(*ocsptest.CA) *ocsptest.Leaf) (*bench, []*ocsptest.Leaf) {
	t.Helper()
	b := &bench{t: t, ca: ocsptest.NewCA(t), disk: newDisk(), cfg: cfg, stop: func() {}}
	b.one = ocsptest.NewResponder(t, b.ca)
	b.network = newNetwork(map[string]stapler.Fetcher{"one.example": b.one})
	b.catalog = newShelf()
	var made []*ocsptest.Leaf
	for _, leaf := range leaves {
		made = append(made, leaf(b.ca))
	}
	b.catalog.put(made...)
	b.restart()
	return b, made
}

// restart stops the service and builds another one over the same disk.
func (b *bench) restart() {
	b.t.Helper()
	b.stop()
	b.stop = func() {}
	b.book = ocsptest.NewBook(b.t)
	b.catalog.detachAll()
	b.store = respstore.New(b.disk, b.book.Log)
	s, err := stapler.New(b.cfg, b.catalog, b.network, b.store, b.book.Log, stapler.WithRevocations(b.catalog))
	if err != nil {
		b.t.Fatal(err)
	}
	b.service = s
}

// run loads and runs the service until the test ends.
func (b *bench) run() {
	b.t.Helper()
	if err := b.service.Load(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.service.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run = %v", err)
		}
	})
	b.t.Cleanup(b.stop)
}

func (b *bench) status(l *ocsptest.Leaf) stapler.Status { return b.service.Status(l.Fingerprint()) }

// wantState checks state and reason, and that the catalog serves accordingly.
func (b *bench) wantState(when string, l *ocsptest.Leaf, state stapler.State, reason ocspsvc.Reason) {
	b.t.Helper()
	got := b.status(l)
	if got.State != state || got.Reason != reason {
		b.t.Errorf("%s: %s, %s (%s), want %s, %s", when, got.State, got.Reason, got.LastError, state, reason)
	}
	if served := b.catalog.serves(l); served != (state == stapler.Fresh) {
		b.t.Errorf("%s: stapled = %v in state %s", when, served, state)
	}
}

func plain(opts ...ocsptest.Option) func(*testing.T) func(*ocsptest.CA) *ocsptest.Leaf {
	return func(t *testing.T) func(*ocsptest.CA) *ocsptest.Leaf {
		return func(ca *ocsptest.CA) *ocsptest.Leaf {
			return ca.Leaf(t, append([]ocsptest.Option{ocsptest.OCSP(url1), ocsptest.Validity(-30*day, 365*day)}, opts...)...)
		}
	}
}

// shelf is a catalog.
type shelf struct {
	mu      sync.Mutex
	certs   map[[32]byte]stapler.Certificate
	staples map[[32]byte]*stapler.Staple
	revoked map[[32]byte]bool
	events  []string
}

func newShelf() *shelf {
	return &shelf{certs: map[[32]byte]stapler.Certificate{}, staples: map[[32]byte]*stapler.Staple{}, revoked: map[[32]byte]bool{}}
}

func (s *shelf) put(leaves ...*ocsptest.Leaf) {
	for _, l := range leaves {
		s.set(stapler.Certificate{Fingerprint: l.Fingerprint(), Chain: l.ChainDER(), Manual: true})
	}
}

func (s *shelf) set(c stapler.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs[c.Fingerprint] = c
}

func (s *shelf) remove(l *ocsptest.Leaf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.certs, l.Fingerprint())
	delete(s.staples, l.Fingerprint())
}

func (s *shelf) detachAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.staples)
	clear(s.revoked)
	s.events = nil
}

func (s *shelf) Certificates() iter.Seq[stapler.Certificate] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []stapler.Certificate
	for _, c := range s.certs {
		all = append(all, c)
	}
	return slices.Values(all)
}

func (s *shelf) Attach(leaf [32]byte, staple *stapler.Staple) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if staple == nil && s.staples[leaf] != nil {
		s.events = append(s.events, "detached")
	}
	s.staples[leaf] = staple
}

func (s *shelf) Revocation(leaf [32]byte, v ocspsvc.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[leaf] = v.Status == ocspsvc.Revoked
	s.events = append(s.events, fmt.Sprintf("revocation %q", v.Status.String()))
}

func (s *shelf) isRevoked(l *ocsptest.Leaf) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revoked[l.Fingerprint()]
}

func (s *shelf) history() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func (s *shelf) staple(l *ocsptest.Leaf) *stapler.Staple {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.staples[l.Fingerprint()]
}

func (s *shelf) serves(l *ocsptest.Leaf) bool { return s.staple(l).Servable(time.Now()) }

// serving counts the leaves that are stapled.
func (s *shelf) serving(leaves []*ocsptest.Leaf) (n int) {
	for _, l := range leaves {
		if s.serves(l) {
			n++
		}
	}
	return n
}

// network sends each request to the responder of its host.
type network struct {
	mu     sync.Mutex
	hosts  map[string]stapler.Fetcher
	asked  []string // common names, in order
	times  []time.Time
	issuer func(context.Context, *x509.Certificate) (*x509.Certificate, error)
}

func newNetwork(hosts map[string]stapler.Fetcher) *network { return &network{hosts: hosts} }

func (n *network) set(host string, f stapler.Fetcher) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = f
}

func (n *network) setIssuer(find func(context.Context, *x509.Certificate) (*x509.Certificate, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.issuer = find
}

func (n *network) Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
	if len(leaf.OCSPServer) == 0 {
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonNoResponder, Err: errors.New("the certificate names none")}
	}
	u, err := url.Parse(leaf.OCSPServer[0])
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	to := n.hosts[u.Hostname()]
	n.asked, n.times = append(n.asked, leaf.Subject.CommonName), append(n.times, time.Now())
	n.mu.Unlock()
	if to == nil {
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonUnreachable, Err: errors.New("connection refused")}
	}
	return to.Fetch(ctx, leaf, issuer)
}

func (n *network) FetchIssuer(ctx context.Context, leaf *x509.Certificate) (*x509.Certificate, error) {
	n.mu.Lock()
	find := n.issuer
	n.mu.Unlock()
	if find == nil {
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonUnreachable, Err: errors.New("connection refused")}
	}
	return find(ctx, leaf)
}

func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

func (n *network) order() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

func (n *network) when() []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.times)
}

// down refuses connections.
var down = stapler.FetcherFunc(func(context.Context, *x509.Certificate, *x509.Certificate) (*ocspsvc.Response, error) {
	return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonUnreachable, Err: errors.New("connection refused")}
})

// says answers with the same bytes for ever, unverified.
func says(der []byte) stapler.Fetcher {
	return stapler.FetcherFunc(func(context.Context, *x509.Certificate, *x509.Certificate) (*ocspsvc.Response, error) {
		r, err := ocspsvc.ParseResponse(der)
		if err != nil {
			return nil, err
		}
		return r, nil
	})
}

// disk is storage in memory that can break.
type disk struct {
	mu      sync.Mutex
	files   map[string][]byte
	broken  error
	written func(key string) // called before a write counts
}

func newDisk() *disk { return &disk{files: map[string][]byte{}} }

func (d *disk) Store(_ context.Context, key string, value []byte) error {
	d.mu.Lock()
	written, broken := d.written, d.broken
	d.mu.Unlock()
	if written != nil {
		written(key)
	}
	if broken != nil {
		return broken
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[key] = bytes.Clone(value)
	return nil
}

func (d *disk) Load(_ context.Context, key string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if value, ok := d.files[key]; ok {
		return value, nil
	}
	return nil, fs.ErrNotExist
}

func (d *disk) Delete(_ context.Context, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, key)
	return nil
}

func (d *disk) List(context.Context, string, bool) (keys []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.files {
		keys = append(keys, key)
	}
	return keys, nil
}

func (d *disk) setBroken(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = err
}

func (d *disk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.files)
}

func (d *disk) file(l *ocsptest.Leaf) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.files[d.path(l)])
}

func (d *disk) setFile(l *ocsptest.Leaf, content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[d.path(l)] = content
}

func (d *disk) path(l *ocsptest.Leaf) string { return fmt.Sprintf("ocsp/%x", l.Fingerprint()) }

// write puts a record on the disk as a former process would have.
func (d *disk) write(t *testing.T, r respstore.Record) {
	t.Helper()
	if err := respstore.New(d, slog.New(slog.DiscardHandler)).Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func fingerprint(der []byte) [32]byte { return sha256.Sum256(der) }

// restartOn is restart over a directory.
func (b *bench) restartOn(dir string) {
	b.t.Helper()
	b.restart()
	files, err := storage.NewFileSystem(dir)
	if err != nil {
		b.t.Fatal(err)
	}
	b.service, err = stapler.New(b.cfg, b.catalog, b.network, respstore.New(files, b.book.Log), b.book.Log)
	if err != nil {
		b.t.Fatal(err)
	}
}
