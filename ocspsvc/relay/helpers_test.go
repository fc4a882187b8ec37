package relay_test

import (
	"bytes"
	"context"
	"crypto"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

// desk is a CA, its responder at ocsp.example, and a relay in front of it.
type desk struct {
	*ocsptest.Network
	t         testing.TB
	ca        *ocsptest.CA
	responder *ocsptest.Responder
	disk      *disk
	storage   relay.Storage // disk, unless another is set
	book      *ocsptest.Book
	dir       string
	asker     relay.Asker // of a client, unless another is set
	cfg       relay.Config
	options   []relay.Option
	relay     *relay.Relay
	stop      func()
}

// newDesk has a relay that is configured for its CA, and runs.
func newDesk(t testing.TB) *desk {
	t.Helper()
	d := prepare(t)
	d.cfg = relay.Config{Issuers: []relay.Issuer{{Certificate: d.file("issuer.pem", ocsptest.CertPEM(d.ca.Cert)), Responder: "http://ocsp.example/"}}}
	d.open()
	return d
}

// prepare is a desk without a relay.
func prepare(t testing.TB) *desk {
	t.Helper()
	d := &desk{Network: ocsptest.NewNetwork(t), t: t, ca: ocsptest.NewCA(t), disk: newDisk(), book: ocsptest.NewBook(t), dir: t.TempDir()}
	d.storage = d.disk
	d.responder = ocsptest.NewResponder(t, d.ca)
	d.Name("ocsp.example", "8.8.8.8")
	d.Serve("8.8.8.8:80", d.responder)
	return d
}

// file writes a file and returns its name.
func (d *desk) file(name string, content []byte) string {
	d.t.Helper()
	name = filepath.Join(d.dir, name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return name
}

// make builds a relay by cfg.
func (d *desk) make() (*relay.Relay, error) {
	d.t.Helper()
	guard, err := netguard.New(netguard.Config{}, netguard.WithResolver(d), netguard.WithDialer(d.Dial))
	if err != nil {
		d.t.Fatal(err)
	}
	asker, err := client.New(client.Config{}, guard, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.asker != nil {
		return relay.New(d.cfg, d.asker, d.storage, d.book.Log, d.options...)
	}
	return relay.New(d.cfg, asker, d.storage, d.book.Log, d.options...)
}

// open starts a relay; the one before is stopped.
func (d *desk) open() {
	d.t.Helper()
	d.close()
	r, err := d.make()
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	d.relay = r
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Errorf("Run = %v", err)
		}
	})
	d.t.Cleanup(d.close)
}

func (d *desk) close() {
	if d.stop != nil {
		d.stop()
	}
}

func (d *desk) certID(leaf *ocsptest.Leaf, hash crypto.Hash) ocspsvc.CertID {
	d.t.Helper()
	id, err := ocspsvc.NewCertID(leaf.Cert, leaf.Issuer.Cert, hash)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// ask asks about leaves by SHA-1, and says what the answer is in one word: the
// status of all, the OCSP error, or "not ours".
func (d *desk) ask(leaves ...*ocsptest.Leaf) string {
	d.t.Helper()
	var req ocspsvc.Request
	for _, leaf := range leaves {
		req.CertIDs = append(req.CertIDs, d.certID(leaf, crypto.SHA1))
	}
	return d.respond(&req)
}

func (d *desk) respond(req *ocspsvc.Request) string {
	d.t.Helper()
	response, err := d.relay.Respond(d.t.Context(), req)
	return d.word(req, response, err)
}

// word checks that the response is about what was asked, and fresh.
func (d *desk) word(req *ocspsvc.Request, response *ocspsvc.Response, err error) string {
	d.t.Helper()
	switch {
	case err != nil && strings.Contains(err.Error(), ocspsvc.ErrNotOurs.Error()):
		return "not ours"
	case err != nil:
		return err.Error()
	case response.ResponseStatus != ocspsvc.Successful:
		return response.ResponseStatus.String()
	}
	var words []string
	for _, id := range req.CertIDs {
		verdict, err := ocspsvc.VerifyID(response, id, d.ca.Cert, now(), ocspsvc.VerifyOptions{AllowNoNextUpdate: true})
		if err != nil {
			d.t.Errorf("relayed an answer that does not verify: %v", err)
		}
		words = append(words, verdict.Status.String())
	}
	return strings.Join(slices.Compact(words), " ")
}

// want asks about a leaf, and compares the answer's word and how many requests
// the responder has got for it.
func (d *desk) want(when string, leaf *ocsptest.Leaf, word string, requests int) {
	d.t.Helper()
	if got := d.ask(leaf); got != word {
		d.t.Errorf("%s: answer = %q, want %q", when, got, word)
	}
	synctest.Wait()
	if got := d.responder.CountFor(leaf); got != requests {
		d.t.Errorf("%s: the responder got %d requests, want %d", when, got, requests)
	}
}

// nextUpdate asks about a leaf, and says when the answer ends.
func (d *desk) nextUpdate(leaf *ocsptest.Leaf) time.Time {
	d.t.Helper()
	response, err := d.relay.Respond(d.t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}})
	if err != nil || len(response.Singles) != 1 {
		d.t.Fatalf("no answer: %v", err)
	}
	return response.Singles[0].NextUpdate
}

// down makes the responder unreachable, and up brings it back.
func (d *desk) down() { d.Unplug("8.8.8.8:80") }
func (d *desk) up()   { d.Serve("8.8.8.8:80", d.responder) }

// count is the value of a counter or gauge.
func (d *desk) count(name string, labels ...string) float64 {
	d.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(d.relay.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != "dwaar_ocsp_relay_"+name {
			continue
		}
		for _, metric := range family.GetMetric() {
			if len(labels) == 0 || slices.Equal(labels, []string{metric.GetLabel()[0].GetValue()}) {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// disk is a storage in memory that can break.
type disk struct {
	calls  atomic.Int64
	mu     sync.Mutex
	files  map[string][]byte
	broken error
	hangs  chan struct{} // until closed
	next   *disk         // that has the files, if it is not this one
}

func newDisk() *disk { return &disk{files: map[string][]byte{}} }

func (d *disk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *disk) ready(ctx context.Context) error {
	d.calls.Add(1)
	d.mu.Lock()
	hangs, broken := d.hangs, d.broken
	d.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	return broken
}

func (d *disk) Store(ctx context.Context, key string, value []byte) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	if d.next != nil {
		return d.next.Store(ctx, key, value)
	}
	d.set(func() { d.files[key] = bytes.Clone(value) })
	return nil
}

func (d *disk) Load(ctx context.Context, key string) ([]byte, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	if d.next != nil {
		return d.next.Load(ctx, key)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if value, ok := d.files[key]; ok {
		return bytes.Clone(value), nil
	}
	return nil, fs.ErrNotExist
}

func (d *disk) Delete(_ context.Context, key string) error {
	d.calls.Add(1)
	d.set(func() { delete(d.files, key) })
	return nil
}

func (d *disk) List(_ context.Context, prefix string, _ bool) ([]string, error) {
	d.calls.Add(1)
	keys := d.keys()
	if len(keys) == 0 {
		return nil, fs.ErrNotExist
	}
	return keys, nil
}

func (d *disk) keys() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.files))
}

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func issuer(file, responder string) relay.Issuer {
	return relay.Issuer{Certificate: file, Responder: responder}
}
