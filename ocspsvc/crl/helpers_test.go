package crl_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

const (
	url1 = "http://one.example/ca.crl"
	url2 = "http://two.example/ca.crl"
)

// bench is a watcher with everything around it faked or in memory. Its CA has
// its CRL at url1, on a host of its own; two.example is a second one.
type bench struct {
	t        *testing.T
	ca       *ocsptest.CA
	network  *network
	one, two *crlServer
	catalog  *shelf
	disk     *disk
	book     *ocsptest.Book
	cfg      crl.Config
	watcher  *crl.Watcher
	stop     func()
}

func setUp(t *testing.T, cfg crl.Config) *bench {
	t.Helper()
	b := &bench{t: t, ca: ocsptest.NewCA(t), network: newNetwork(t), catalog: newShelf(), disk: newDisk(), cfg: cfg, stop: func() {}}
	b.one, b.two = &crlServer{t: t}, &crlServer{t: t}
	b.network.Name("one.example", "8.8.8.8")
	b.network.Name("two.example", "8.8.4.4")
	b.network.Serve("8.8.8.8:80", b.one)
	b.network.Serve("8.8.4.4:80", b.two)
	b.publish()
	b.restart()
	return b
}

// leaf adds a certificate whose CRL is at url1 to the catalog.
func (b *bench) leaf(opts ...ocsptest.Option) *ocsptest.Leaf {
	b.t.Helper()
	l := b.ca.Leaf(b.t, append([]ocsptest.Option{at(url1), ocsptest.Validity(-30*day, 365*day)}, opts...)...)
	b.catalog.put(l)
	return l
}

// publish has one.example serve a new list, newer than all before.
func (b *bench) publish(revoked ...*ocsptest.Leaf) *listing {
	b.t.Helper()
	l := newListing(b.ca, revoked...)
	l.number = b.one.nextNumber()
	l.this = time.Now()
	b.one.serve(l.der(b.t))
	return l
}

// restart stops the watcher and builds another one over the same disk.
func (b *bench) restart() {
	b.t.Helper()
	b.stop()
	b.stop = func() {}
	b.book = ocsptest.NewBook(b.t)
	b.catalog.forgetAll()
	w, err := crl.New(b.cfg, b.catalog, b.network.guard(), b.disk, b.catalog, b.book.Log)
	if err != nil {
		b.t.Fatal(err)
	}
	b.watcher = w
}

// run loads and runs the watcher until the test ends.
func (b *bench) run() {
	b.t.Helper()
	b.load()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.watcher.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run = %v", err)
		}
	})
	b.t.Cleanup(b.stop)
}

// load loads the watcher without running it.
func (b *bench) load() {
	b.t.Helper()
	if err := b.watcher.Load(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// settle lets what is due happen.
func (b *bench) settle() { time.Sleep(40 * time.Second) }

func (b *bench) status(l *ocsptest.Leaf) crl.Status { return b.watcher.Status(l.Fingerprint()) }

// wants checks state and reason, and that Revocations knows.
func (b *bench) wants(when string, l *ocsptest.Leaf, state crl.State, reason ocspsvc.Reason) {
	b.t.Helper()
	got := b.status(l)
	if got.State != state || got.Reason != reason {
		b.t.Errorf("%s: %s, %s (%s), want %s, %s", when, got.State, got.Reason, got.LastError, state, reason)
	}
	if told := b.catalog.revoked(l); told != (state == crl.Revoked) {
		b.t.Errorf("%s: told revoked = %v in state %s", when, told, state)
	}
}

// crlServer serves a list, with conditional GET, or a fault.
type crlServer struct {
	t  *testing.T
	mu sync.Mutex

	handler http.HandlerFunc // instead of body
	body    []byte
	tag     int
	number  int64
	quiet   bool // sends no validators
	delay   time.Duration
	hits    []hit
}

type hit struct {
	at     time.Time
	header http.Header
	status int
}

func (s *crlServer) nextNumber() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	return s.number
}

func (s *crlServer) serve(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body, s.handler = body, nil
	s.tag++
}

func (s *crlServer) fault(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// mend ends a fault.
func (s *crlServer) mend() { s.fault(nil) }

func (s *crlServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	handler, body, tag, quiet := s.handler, s.body, strconv.Quote(strconv.Itoa(s.tag)), s.quiet
	status := http.StatusOK
	if handler == nil && !quiet && r.Header.Get("If-None-Match") == tag {
		status = http.StatusNotModified
	}
	s.hits = append(s.hits, hit{time.Now(), r.Header.Clone(), status})
	delay := s.delay
	s.mu.Unlock()
	time.Sleep(delay)
	if handler != nil {
		handler.ServeHTTP(w, r)
		return
	}
	if !quiet {
		w.Header().Set("ETag", tag)
		w.Header().Set("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
	}
	w.WriteHeader(status)
	if status == http.StatusOK {
		_, _ = w.Write(body)
	}
}

func (s *crlServer) asked() []hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hits)
}

func (s *crlServer) count() int { return len(s.asked()) }

// shelf is a catalog, and hears of revocations.
type shelf struct {
	mu     sync.Mutex
	certs  map[[32]byte]crl.Certificate
	told   map[[32]byte]ocspsvc.Verdict
	events []string
}

func newShelf() *shelf {
	return &shelf{certs: map[[32]byte]crl.Certificate{}, told: map[[32]byte]ocspsvc.Verdict{}}
}

func (s *shelf) put(leaves ...*ocsptest.Leaf) {
	for _, l := range leaves {
		s.set(crl.Certificate{Fingerprint: l.Fingerprint(), Chain: l.ChainDER()})
	}
}

func (s *shelf) set(c crl.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs[c.Fingerprint] = c
}

func (s *shelf) disable(l *ocsptest.Leaf, disabled bool) {
	s.set(crl.Certificate{Fingerprint: l.Fingerprint(), Chain: l.ChainDER(), Disabled: disabled})
}

func (s *shelf) remove(l *ocsptest.Leaf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.certs, l.Fingerprint())
}

func (s *shelf) forgetAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.told)
	s.events = nil
}

func (s *shelf) Certificates() iter.Seq[crl.Certificate] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []crl.Certificate
	for _, c := range s.certs {
		all = append(all, c)
	}
	return slices.Values(all)
}

// leaf parses a certificate of the catalog.
func (s *shelf) leaf(fingerprint [32]byte) *x509.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	cert, err := x509.ParseCertificate(s.certs[fingerprint].Chain[0])
	if err != nil {
		panic(err)
	}
	return cert
}

func (s *shelf) Revocation(leaf [32]byte, v ocspsvc.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[leaf] = v
	s.events = append(s.events, v.Status.String())
}

func (s *shelf) revoked(l *ocsptest.Leaf) bool { return s.verdict(l).Status == ocspsvc.Revoked }

func (s *shelf) verdict(l *ocsptest.Leaf) ocspsvc.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told[l.Fingerprint()]
}

func (s *shelf) history() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.events, " ")
}

// disk is storage in memory that can break.
type disk struct {
	mu     sync.Mutex
	files  map[string][]byte
	broken error
	full   error         // like broken, but things can be read and deleted
	room   int           // octets for all files, those being replaced included; 0: no end
	hang   chan struct{} // writes wait for it if it is there
}

func newDisk() *disk { return &disk{files: map[string][]byte{}} }

func (d *disk) Store(_ context.Context, key string, value []byte) error {
	d.mu.Lock()
	hang := d.hang
	d.mu.Unlock()
	if hang != nil {
		<-hang
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	used := len(value)
	for _, file := range d.files {
		used += len(file)
	}
	switch {
	case d.broken != nil:
		return d.broken
	case d.full != nil && (d.room == 0 || used > d.room):
		return d.full
	}
	d.files[key] = bytes.Clone(value)
	return nil
}

func (d *disk) Load(_ context.Context, key string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return nil, d.broken
	}
	if value, ok := d.files[key]; ok {
		return bytes.Clone(value), nil
	}
	return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
}

func (d *disk) Delete(_ context.Context, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, key)
	return d.broken
}

func (d *disk) List(context.Context, string, bool) (keys []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.files {
		keys = append(keys, key)
	}
	return keys, d.broken
}

func (d *disk) setBroken(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = err
}

// fill makes the disk take no more than what fits into room octets, if any.
func (d *disk) fill(err error, room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full, d.room = err, room
}

// change changes every file.
func (d *disk) change(f func([]byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, value := range d.files {
		d.files[key] = f(value)
	}
}

func (d *disk) keys() (keys []string) {
	keys, _ = d.List(context.Background(), "", true)
	slices.Sort(keys)
	return keys
}

func fingerprint(der []byte) [32]byte { return sha256.Sum256(der) }

var errDisk = errors.New("no space left on device")
