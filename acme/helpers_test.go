package acme_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
)

const day = 24 * time.Hour

const publicCA = "https://ca.example/directory"

// policy is one of a public CA for some names.
func policy(names ...string) acme.Policy {
	return acme.Policy{Names: names, Issuers: []issuing.IssuerConfig{{CA: publicCA}}}
}

// sites is a config of some names at one public CA.
func sites(names ...string) acme.Config {
	return acme.Config{Policies: []acme.Policy{policy(names...)}}
}

// numbered are n names.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("site%d.example", i)
	}
	return names
}

// node is a manager that runs, with what it has told.
type node struct {
	*acme.Manager
	log  *book
	told *notes
	stop func()
}

// start makes a manager, loads and runs it until the test ends.
func start(t *testing.T, cfg acme.Config, issuer acme.Issuer, options ...acme.Option) *node {
	t.Helper()
	n := make1(t, cfg, issuer, options...)
	if err := n.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.run(t)
	return n
}

func make1(t *testing.T, cfg acme.Config, issuer acme.Issuer, options ...acme.Option) *node {
	t.Helper()
	n := &node{log: newBook(t), told: &notes{}, stop: func() {}}
	m, err := acme.New(cfg, issuer, n.log.Logger, options...)
	if err != nil {
		t.Fatal(err)
	}
	m.OnChange(n.told.add)
	n.Manager = m
	return n
}

func (n *node) run(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(n.stop)
}

// serial is the serial that n serves for name, or "".
func (n *node) serial(name string) string {
	s, _ := n.Status(name)
	return s.Serial
}

// leaf is the fingerprint of what n serves for name.
func (n *node) leaf(t *testing.T, v *vault, name string) [32]byte {
	t.Helper()
	c, ok := n.Certificate(name)
	if !ok {
		t.Fatalf("there is no certificate for %s", name)
	}
	return fingerprint(t, c.CertPEM)
}

func (n *node) wantState(t *testing.T, when, name string, want acme.State) acme.Status {
	t.Helper()
	s, ok := n.Status(name)
	if !ok || s.State != want {
		t.Errorf("%s: %s is %q (%s), want %q", when, name, s.State, s.LastError, want)
	}
	return s
}

// notes is a list that several write.
type notes struct {
	mu  sync.Mutex
	all []string
}

func (n *notes) add(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, s)
}

func (n *notes) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.all)
}

// book keeps what is logged.
type book struct {
	*slog.Logger
	mu    sync.Mutex
	lines bytes.Buffer
	t     *testing.T
}

func newBook(t *testing.T) *book {
	b := &book{t: t}
	b.Logger = slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return b
}

func (b *book) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(b.t.Output(), "%s", line)
	return b.lines.Write(line)
}

// with are the lines that have all the words.
func (b *book) with(words ...string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for line := range strings.Lines(b.lines.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			found = append(found, line)
		}
	}
	return found
}

// within waits until what is so, for so long at most.
func within(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(d)
	for {
		synctest.Wait()
		if ok() {
			return
		}
		if !time.Now().Before(deadline) {
			t.Fatalf("not within %v: %s", d, what)
		}
		time.Sleep(max(d/200, time.Millisecond))
	}
}

// vault is a storage that several nodes share.
type vault struct {
	mu          sync.Mutex
	certs       map[string]*acme.Issued // by CA and name
	away        []*acme.Issued
	reads       int
	failing     error         // of Quarantine
	unreadable  error         // of Load
	slow        time.Duration // Load takes so long
	reading     int           // Loads under way
	most        int           // of these, at the same time
	locks       map[string]chan struct{}
	quarantines int
}

func newVault() *vault {
	return &vault{certs: map[string]*acme.Issued{}, locks: map[string]chan struct{}{}}
}

func (v *vault) put(ca string, c *acme.Issued) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.certs[ca+" "+c.Name] = c
}

func (v *vault) quarantined() []*acme.Issued {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.away)
}

func (v *vault) readCount() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reads
}

// peak is how many Loads there were at the same time.
func (v *vault) peak() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.most
}

func (v *vault) set(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

func (v *vault) lockOf(name string) chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.locks[name] == nil {
		v.locks[name] = make(chan struct{}, 1)
	}
	return v.locks[name]
}

// order is one that a CA has got.
type order struct {
	name string
	at   time.Time
	kind string // obtain or renew
}

// authority is the CAs, all alike.
type authority struct {
	mu      sync.Mutex
	orders  []order
	life    time.Duration
	takes   time.Duration
	err     error
	hangs   map[string]bool // by CA
	now     int             // orders under way
	most    int             // of these, at the same time
	window  func(*acme.Issued) (issuing.RenewalInfo, error)
	asked   []time.Time // for renewal windows
	tamper  func(*acme.Issued) *acme.Issued
	oldKeys bool          // renews with the key there is
	lingers time.Duration // after it was told to give up
}

func newAuthority() *authority {
	return &authority{life: 90 * day, takes: time.Second, hangs: map[string]bool{}, window: func(*acme.Issued) (issuing.RenewalInfo, error) {
		return issuing.RenewalInfo{}, issuing.ErrNoRenewalInfo
	}}
}

func (a *authority) set(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (a *authority) fail(err error) { a.set(func() { a.err = err }) }

func (a *authority) list() []order {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.orders)
}

// peak is how many orders there were at the same time.
func (a *authority) peak() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.most
}

func (a *authority) underWay() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *authority) count() int { return len(a.list()) }

func (a *authority) inquiries() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked)
}

var errDown = errors.New("the CA is down")

// place is an order's way.
func (a *authority) place(ctx context.Context, ca, name, kind string) (time.Duration, error) {
	a.mu.Lock()
	a.orders = append(a.orders, order{name, time.Now(), kind})
	a.now++
	a.most = max(a.most, a.now)
	takes, hangs, err, life := a.takes, a.hangs[ca], a.err, a.life
	a.mu.Unlock()
	defer a.set(func() { a.now-- })
	if hangs {
		<-ctx.Done()
		return 0, fmt.Errorf("%s: %w", ca, ctx.Err())
	}
	select {
	case <-ctx.Done():
		time.Sleep(a.lingers)
		return 0, ctx.Err()
	case <-time.After(takes):
	}
	return life, err
}

// office is how one node gets certificates: from the authority, into the vault.
type office struct {
	t     *testing.T
	vault *vault
	ca    *authority
}

func newOffice(t *testing.T) *office { return &office{t, newVault(), newAuthority()} }

func (o *office) key(p acme.Policy, name string) string { return p.Issuers[0].CA + " " + name }

func (o *office) Obtain(ctx context.Context, p acme.Policy, name string) (*acme.Issued, error) {
	return o.get(ctx, p, name, "obtain", nil)
}

func (o *office) Renew(ctx context.Context, p acme.Policy, name string, with issuing.RenewOptions) (*acme.Issued, error) {
	old, err := o.Load(ctx, p, name)
	switch {
	case err != nil && !errors.Is(err, errNotThere):
		return nil, err
	case old != nil && with.Replaces != nil && old.Leaf.NotBefore.After(with.Replaces.Leaf.NotBefore):
		return old, nil
	case old == nil:
		return o.get(ctx, p, name, "replace", nil)
	}
	if !o.ca.oldKeys {
		old = nil
	}
	return o.get(ctx, p, name, "renew", old)
}

func (o *office) get(ctx context.Context, p acme.Policy, name, kind string, like *acme.Issued) (*acme.Issued, error) {
	life, err := o.ca.place(ctx, p.Issuers[0].CA, name, kind)
	if err != nil {
		return nil, err
	}
	c := issue(o.t, name, life, like)
	if o.ca.tamper != nil {
		c = o.ca.tamper(c)
	}
	o.vault.put(p.Issuers[0].CA, c)
	return c, nil
}

func (o *office) Load(_ context.Context, p acme.Policy, name string) (*acme.Issued, error) {
	var slow time.Duration
	o.vault.set(func() {
		o.vault.reads++
		o.vault.reading++
		o.vault.most, slow = max(o.vault.most, o.vault.reading), o.vault.slow
	})
	time.Sleep(slow)
	o.vault.mu.Lock()
	defer o.vault.mu.Unlock()
	o.vault.reading--
	if o.vault.unreadable != nil {
		return nil, o.vault.unreadable
	}
	if c := o.vault.certs[o.key(p, name)]; c != nil {
		return c, nil
	}
	return nil, errNotThere
}

func (o *office) Save(_ context.Context, _ acme.Policy, c, _ *acme.Issued) (*acme.Issued, error) {
	o.vault.put(publicCA, c)
	return c, nil
}

func (o *office) RenewalInfo(_ context.Context, _ acme.Policy, c *acme.Issued) (issuing.RenewalInfo, error) {
	o.ca.mu.Lock()
	defer o.ca.mu.Unlock()
	o.ca.asked = append(o.ca.asked, time.Now())
	return o.ca.window(c)
}

func (o *office) Quarantine(_ context.Context, c *acme.Issued, _ string) error {
	o.vault.mu.Lock()
	defer o.vault.mu.Unlock()
	o.vault.quarantines++
	if o.vault.failing != nil {
		return o.vault.failing
	}
	for where, stored := range maps.All(o.vault.certs) {
		if stored.Leaf.Equal(c.Leaf) {
			delete(o.vault.certs, where)
			o.vault.away = append(o.vault.away, c)
		}
	}
	return nil
}

func (o *office) Lock(ctx context.Context, name string) (context.Context, error) {
	select {
	case o.vault.lockOf(name) <- struct{}{}:
		return ctx, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (o *office) TryLock(ctx context.Context, name string) (context.Context, bool, error) {
	select {
	case o.vault.lockOf(name) <- struct{}{}:
		return ctx, true, nil
	default:
		return nil, false, ctx.Err()
	}
}

func (o *office) Unlock(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case <-o.vault.lockOf(name):
		return nil
	default:
		return errors.New("it is not locked")
	}
}
