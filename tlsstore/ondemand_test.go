package tlsstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

// demanding binds names of the listener ":443" to what is got on demand.
func demanding(names ...string) tlsstore.Binding {
	return tlsstore.Binding{Listener: ":443", Names: names, OnDemand: true}
}

// office issues for every name, keeps what it has issued, and counts.
type office struct {
	t     *testing.T
	ca    *ca
	hang  chan struct{}             // if set, Obtain lasts until it is closed or its context ends
	issue func(name string) issued  // if set, instead of a leaf for the name
	err   func(name string) error   // if set, why a name gets none
	stray func() (p *tlsstore.Pair) // if set, what Load finds instead
	loads atomic.Int32

	mu     sync.Mutex // guards the rest
	asked  []string
	stored map[string]issued
}

func newOffice(t *testing.T) *office {
	return &office{t: t, ca: newCA(t), stored: make(map[string]issued)}
}

// opens makes a store whose bindings get what the office issues.
func (o *office) opens(cfg tlsstore.Config, bindings ...tlsstore.Binding) *tlsstore.Store {
	o.t.Helper()
	s := newStore(o.t, cfg, bindings...)
	s.OnDemand(tlsstore.OnDemand{Obtain: o.obtain, Load: o.load})
	return s
}

func (o *office) obtain(ctx context.Context, name string) (*tlsstore.Pair, error) {
	o.mu.Lock()
	o.asked = append(o.asked, name)
	o.mu.Unlock()
	if o.hang != nil {
		select {
		case <-o.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if o.err != nil {
		if err := o.err(name); err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	i, known := o.stored[name]
	switch {
	case known:
	case o.issue != nil:
		i = o.issue(name)
	default:
		i = o.ca.leaf(name)
	}
	o.stored[name] = i
	return i.pair(o.t), nil
}

func (o *office) load(_ context.Context, name string) (*tlsstore.Pair, error) {
	o.loads.Add(1)
	if o.stray != nil {
		if p := o.stray(); p != nil {
			return p, nil
		}
		return nil, fs.ErrNotExist
	}
	return o.of(name).pair(o.t), nil
}

// of is what the office has issued for a name.
func (o *office) of(name string) issued {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stored[name]
}

// wasAsked fails the test unless Obtain was called for exactly these names.
func (o *office) wasAsked(names ...string) {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.Sort(names)
	if got := slices.Sorted(slices.Values(o.asked)); !slices.Equal(got, names) {
		o.t.Errorf("asked for %q, want %q", got, names)
	}
}

// shows fails the test unless a client that asks for a name gets what was issued for it last.
func (o *office) shows(s *tlsstore.Store, name string) (staple []byte) {
	o.t.Helper()
	leaf, staple := shown(o.t, s, name)
	if want := o.of(strings.ToLower(name)).leaf; !leaf.Equal(want) {
		o.t.Errorf("%s is shown %v, want %v", name, leaf.SerialNumber, want)
	}
	return staple
}

func TestTheFirstClientGetsACertificateAndTheNextFindIt(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{}, demanding(""))
	for _, name := range []string{"a.example", "A.Example", "a.example"} {
		o.shows(s, name)
	}
	o.wasAsked("a.example")
	i := o.of("a.example")
	s.Attach(i.fingerprint(), i.staple("!"))
	if staple := o.shows(s, "a.example"); !bytes.HasSuffix(staple, []byte("!")) {
		t.Errorf("staple = %x", staple)
	}
	if cert := s.Lookup(":443", "a.example"); cert == nil || cert.OCSPStaple == nil {
		t.Error("Lookup finds no stapled certificate")
	}
	if s.Lookup(":443", "b.example") != nil {
		t.Error("Lookup finds a certificate that nobody asked for")
	}
	r := s.Status()
	if len(r) != 1 || r[0].Source != "on_demand" || !slices.Equal(r[0].Names, []string{"a.example"}) || r[0].Fingerprint != i.fingerprint() || len(r[0].Chain) != 2 || r[0].Waiting {
		t.Errorf("status = %+v", r)
	}
	if chain, err := s.Chain(t.Context(), i.fingerprint()); err != nil || len(chain) != 2 {
		t.Errorf("chain of %d, %v", len(chain), err)
	}
	for name, version := range versions {
		if !resumes(t, s, version, func() {}) {
			t.Errorf("%s: a session does not resume", name)
		}
	}
	o.wasAsked("a.example")
}

func TestAStapledLookupAllocatesNothing(t *testing.T) {
	o := newOffice(t)
	bound := o.ca.leaf("bound.example")
	s := o.opens(tlsstore.Config{}, demanding(""), on(bound.pair(t), "bound.example"))
	o.shows(s, "a.example")
	for _, i := range []issued{bound, o.of("a.example")} {
		s.Attach(i.fingerprint(), i.staple(""))
		name := i.leaf.DNSNames[0]
		if n := testing.AllocsPerRun(100, func() {
			if cert := s.Lookup(":443", name); cert == nil || cert.OCSPStaple == nil {
				t.Error("no staple")
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestOnlyNamesThatAreOnDemandAreAskedFor(t *testing.T) {
	o := newOffice(t)
	bound := o.ca.leaf("bound.example")
	s := o.opens(tlsstore.Config{},
		demanding("*.example", "exact.test", "*.test"), on(bound.pair(t), "bound.example", "*.test"), demanding("bound.example"),
		tlsstore.Binding{Listener: ":8443", Names: []string{""}, OnDemand: true})
	for _, name := range []string{"bound.example", "other.test"} {
		if leaf, _ := shown(t, s, name); !leaf.Equal(bound.leaf) {
			t.Errorf("%s is not shown the certificate that is bound", name)
		}
	}
	for _, name := range []string{"b.a.example", "example", "elsewhere.invalid", ""} {
		client{sni: name}.refused(t, s)
	}
	o.wasAsked()
	o.shows(s, "a.example")
	o.shows(s, "exact.test")
	o.wasAsked("a.example", "exact.test")
}

func TestWhatIsNoHostNameIsNeverAskedFor(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{}, demanding("", "*.example"))
	for _, name := range []string{
		"", "192.0.2.1", "a.1", "1", "-a.example", "a-.example", "a_b.example", "a..example", "*.example", "a\x00.example", "é.example",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "example",
	} {
		hello := &tls.ClientHelloInfo{ServerName: name} // no client would send it
		config, err := s.TLSConfig(":443", nil).GetConfigForClient(hello)
		if err != nil || config.GetCertificate != nil || !config.SessionTicketsDisabled {
			t.Errorf("%q is not refused: %v", name, err)
		}
	}
	o.wasAsked()
	for _, name := range []string{"localhost", "1.example", "xn--bcher-kva.example", "a.host1", "a--b.c1.example"} {
		o.shows(s, name)
	}
}

func TestANameThatMayHaveNoneIsRefusedAndLeavesNothing(t *testing.T) {
	o := newOffice(t)
	o.err = func(string) error { return errors.New("not one of ours") }
	var log logbook
	s := newLoggedStore(t, log.logger(), tlsstore.Config{}, demanding(""))
	client{sni: "early.example"}.refused(t, s) // nothing is set yet
	s.OnDemand(tlsstore.OnDemand{Obtain: o.obtain, Load: o.load})
	var asked []string
	for n := range 20 {
		asked = append(asked, fmt.Sprintf("n%d.example", n))
		client{sni: asked[n]}.refused(t, s)
	}
	o.wasAsked(asked...)
	if len(s.Status()) != 0 || log.count("reason=on_demand") != 1 || log.count("level=WARN") != 0 || log.count("getting a certificate for n0.example: not one of ours") != 1 {
		t.Errorf("status = %+v, log:\n%s", s.Status(), log.String())
	}
	o.err = nil
	o.shows(s, "n0.example") // it is asked each time: who is asked remembers
}

func TestAPairThatDoesNotFitIsNotShown(t *testing.T) {
	c := newCA(t)
	i := c.leaf("b.example")
	old := c.leaf("a.example", expired)
	var pair *tlsstore.Pair
	var log logbook
	s := newLoggedStore(t, log.logger(), tlsstore.Config{}, demanding(""))
	s.OnDemand(tlsstore.OnDemand{Obtain: func(context.Context, string) (*tlsstore.Pair, error) { return pair, nil }})
	for want, bad := range map[string]*tlsstore.Pair{
		"the certificate got for a.example has no chain or no key":                                 nil,
		"certificate " + i.pair(t).Serial + ", got for a.example, is for [b.example]":              i.pair(t),
		"certificate " + old.pair(t).Serial + ", got for a.example: the certificate expired at 20": old.pair(t),
	} {
		pair = bad
		client{sni: "a.example"}.refused(t, s)
		if err := s.Put("A.example.", bad); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Put: %v, want %s…", err, want)
		}
	}
	if err := s.Put("a b", i.pair(t)); err == nil || err.Error() != `"a b" is not a host name` {
		t.Errorf("Put: %v", err)
	}
	apply(t, s, demanding("*.test"))
	if err := s.Put("b.example", i.pair(t)); err == nil || err.Error() != "no site gets a certificate on demand for b.example" {
		t.Errorf("Put: %v", err)
	}
	if len(s.Status()) != 0 {
		t.Errorf("status = %+v", s.Status())
	}
}

func TestManyClientsShareOneAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""))
		var clients sync.WaitGroup
		for range 50 {
			clients.Go(func() {
				if _, err := (client{sni: "a.example"}).dial(s.TLSConfig(":443", nil)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(o.hang)
		clients.Wait()
		o.wasAsked("a.example")
	})
}

func TestAClientWaitsNoLongerThanItsHandshakeAndTheNextFindsTheCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""), on(o.ca.leaf("b.example").pair(t), "b.example"))
		began := time.Now()
		if err := handshakeFor(s, "a.example", 10*time.Second); err == nil || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v, want an error after 10s", err, time.Since(began))
		}
		began = time.Now()
		shown(t, s, "b.example")
		if took := time.Since(began); took != 0 {
			t.Errorf("the other certificate took %v", took)
		}
		close(o.hang)
		synctest.Wait()
		o.shows(s, "a.example")
		o.wasAsked("a.example")
	})
}

// handshakeFor is the server's side of a handshake with a time limit.
func handshakeFor(s *tlsstore.Store, sni string, limit time.Duration) error {
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		defer near.Close()
		_ = tls.Client(near, &tls.Config{ServerName: sni, InsecureSkipVerify: true}).Handshake()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return tls.Server(far, s.TLSConfig(":443", nil)).HandshakeContext(ctx)
}

func TestAskingThatNeverEndsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""))
		began := time.Now()
		client{sni: "a.example"}.refused(t, s) // a handshake without a limit of its own
		if took := time.Since(began); took != 3*time.Minute {
			t.Errorf("given up after %v, want 3m", took)
		}
	})
}

func TestHowManyWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		known := o.ca.leaf("b.example")
		var log logbook
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, demanding(""), on(known.pair(t), "b.example"))
		s.OnDemand(tlsstore.OnDemand{Obtain: o.obtain, Load: o.load})
		var clients sync.WaitGroup
		wait := func(n int, name func(int) string) {
			for i := range n {
				clients.Go(func() { _ = handshakeFor(s, name(i), time.Minute) })
			}
			synctest.Wait()
		}
		one := func(int) string { return "a.example" }
		atOnce := func(name string) {
			t.Helper()
			began := time.Now()
			client{sni: name}.refused(t, s)
			if took := time.Since(began); took != 0 {
				t.Errorf("%s is refused after %v", name, took)
			}
		}
		many := func(i int) string { return fmt.Sprintf("n%d.example", i) }
		wait(100, one)
		atOnce("a.example")
		wait(900, many)
		atOnce("c.example")
		atOnce("n0.example")
		if n := refusals(t, s); n != 3 || log.count("level=WARN") != 1 || log.count("reason=busy") != 1 {
			t.Errorf("%v refusals, log:\n%s", n, log.String())
		}
		shown(t, s, "b.example") // who needs to wait for nothing is served
		time.Sleep(time.Minute)  // all have gone, and their certificates are still being got
		clients.Wait()
		wait(99, func(i int) string { return fmt.Sprintf("m%d.example", i) })
		atOnce("c.example")
		wait(100, one)
		if n := refusals(t, s); n != 1000+4 {
			t.Errorf("%v refusals, want none for those who wait now", n)
		}
		close(o.hang)
		clients.Wait()
		synctest.Wait()
		o.shows(s, "c.example")
	})
}

func TestTheBodyLeavesMemoryAndIsLoadedAgain(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{CacheSize: 1}, demanding(""))
	for n, name := range []string{"a.example", "b.example", "a.example", "a.example", "b.example"} {
		o.shows(s, name)
		i := o.of(name)
		if n < 2 {
			s.Attach(i.fingerprint(), i.staple("kept"))
		} else if staple := o.shows(s, name); !bytes.HasSuffix(staple, []byte("kept")) {
			t.Errorf("%s carries %x", name, staple)
		}
	}
	o.wasAsked("a.example", "b.example")
	if n := o.loads.Load(); n != 2 {
		t.Errorf("%d loads, want 2", n)
	}
}

func TestAReplacedCertificateTakesNoPlaceInMemory(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{CacheSize: 2}, demanding(""))
	o.shows(s, "b.example")
	o.shows(s, "a.example")
	if err := s.Put("a.example", o.ca.leaf("a.example").pair(t)); err != nil {
		t.Fatal(err)
	}
	o.shows(s, "b.example")
	if n := o.loads.Load(); n != 0 {
		t.Errorf("%d loads, want 0", n)
	}
}

// A client that answers slowly gets what was chosen for it, stapled, without loading anything.
func TestAHandshakeKeepsTheBodyItHasChosen(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{CacheSize: 1}, demanding(""))
	o.shows(s, "a.example")
	i := o.of("a.example")
	s.Attach(i.fingerprint(), i.staple("!"))
	hello := &tls.ClientHelloInfo{ServerName: "a.example"}
	config, err := s.TLSConfig(":443", nil).GetConfigForClient(hello)
	if err != nil {
		t.Fatal(err)
	}
	o.shows(s, "b.example") // takes the only place
	cert, err := config.GetCertificate(hello)
	if err != nil || fingerprint(cert.Certificate[0]) != i.fingerprint() || !bytes.HasSuffix(cert.OCSPStaple, []byte("!")) || o.loads.Load() != 0 {
		t.Errorf("certificate %+v after %d loads, %v", cert, o.loads.Load(), err)
	}
	s.SetRevoked(i.fingerprint(), true)
	if cert, err := config.GetCertificate(hello); err != nil || cert.OCSPStaple != nil {
		t.Errorf("the staple goes on after the revocation: %v", err)
	}
}

func TestWithoutLoadItIsAskedForAgain(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{CacheSize: 1}, demanding(""))
	s.OnDemand(tlsstore.OnDemand{Obtain: o.obtain})
	for _, name := range []string{"a.example", "b.example", "a.example"} {
		o.shows(s, name)
	}
	o.wasAsked("a.example", "a.example", "b.example")
}

// Storage may have been renewed by another instance, or emptied.
func TestWhereAnotherCertificateOrNoneIsLoadedItIsAskedFor(t *testing.T) {
	for what, stray := range map[string]func(*office) *tlsstore.Pair{
		"none":    func(*office) *tlsstore.Pair { return nil },
		"another": func(o *office) *tlsstore.Pair { return o.of("a.example").pair(o.t) },
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			s := o.opens(tlsstore.Config{CacheSize: 1}, demanding(""))
			o.shows(s, "a.example")
			old := o.of("a.example")
			o.shows(s, "b.example")
			o.mu.Lock()
			o.stored["a.example"] = o.ca.leaf("a.example")
			o.mu.Unlock()
			o.stray = func() *tlsstore.Pair { return stray(o) }
			o.shows(s, "a.example")
			o.wasAsked("a.example", "a.example", "b.example")
			for _, r := range s.Status() {
				if r.Fingerprint == old.fingerprint() {
					t.Error("the catalog still has the old leaf")
				}
			}
		})
	}
}

func TestTheCatalogHoldsAsManyNamesAsItMayAndForgetsTheLeastUsed(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{MaxOnDemand: 2}, demanding(""))
	has := func(names ...string) {
		t.Helper()
		var got []string
		for _, r := range s.Status() {
			got = append(got, r.Names...)
		}
		if !slices.Equal(got, names) {
			t.Errorf("the catalog has %q, want %q", got, names)
		}
	}
	for _, name := range []string{"a.example", "b.example", "a.example", "c.example"} {
		o.shows(s, name)
	}
	has("a.example", "c.example")
	o.shows(s, "b.example")
	o.wasAsked("a.example", "b.example", "b.example", "c.example")
	has("b.example", "c.example")
	if err := s.Reconfigure(tlsstore.Config{MaxOnDemand: 1}, []tlsstore.Binding{demanding("")}); err != nil {
		t.Fatal(err)
	}
	has("b.example")
}

func TestAForgottenNameIsAskedForAgain(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{}, demanding(""))
	o.shows(s, "a.example")
	i := o.of("a.example")
	s.Forget("b.example")
	s.Forget("A.example.")
	if len(s.Status()) != 0 || s.Lookup(":443", "a.example") != nil {
		t.Errorf("status = %+v", s.Status())
	}
	s.Attach(i.fingerprint(), i.staple("late")) // a no-op
	if staple := o.shows(s, "a.example"); staple != nil {
		t.Errorf("staple = %x", staple)
	}
	o.wasAsked("a.example", "a.example")
}

// A renewal: the new leaf is served at once, stapled if it has waited for that, and the
// sessions of the old one end.
func TestARenewedCertificateSwapsIn(t *testing.T) {
	for name, version := range versions {
		o := newOffice(t)
		s := o.opens(tlsstore.Config{}, demanding(""))
		o.shows(s, "a.example")
		old, renewed := o.of("a.example"), o.ca.leaf("a.example")
		swap := func() {
			apply(t, s, demanding(""), waiting(renewed.pair(t)))
			s.Attach(renewed.fingerprint(), renewed.staple("in time"))
			o.shows(s, "a.example")
			if err := s.Put("a.example", renewed.pair(t)); err != nil {
				t.Fatal(err)
			}
		}
		if resumes(t, s, version, swap) {
			t.Errorf("%s: a session of the replaced leaf resumes", name)
		}
		for range 2 {
			if leaf, staple := shown(t, s, "a.example"); !leaf.Equal(renewed.leaf) || !bytes.HasSuffix(staple, []byte("in time")) {
				t.Errorf("%s: staple %x", name, staple)
			}
			if r := s.Status(); len(r) != 1 || r[0].Fingerprint == old.fingerprint() || r[0].Waiting || r[0].Source != "on_demand" {
				t.Errorf("%s: status = %+v", name, r)
			}
			apply(t, s, demanding("")) // it waits no more
		}
		o.wasAsked("a.example")
	}
}

func TestARevokedOnDemandCertificateIsRefusedUntilItIsReplaced(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{}, demanding(""))
	o.shows(s, "a.example")
	s.SetRevoked(o.of("a.example").fingerprint(), true)
	client{sni: "a.example"}.refused(t, s)
	apply(t, s, demanding(""))
	client{sni: "a.example"}.refused(t, s)
	if err := s.Put("a.example", o.ca.leaf("a.example").pair(t)); err != nil {
		t.Fatal(err)
	}
	shown(t, s, "a.example")
	o.wasAsked("a.example")
}

func TestAnExpiredOnDemandCertificateIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.opens(tlsstore.Config{}, demanding(""))
		o.shows(s, "a.example")
		time.Sleep(91 * 24 * time.Hour)
		if s.Lookup(":443", "a.example") != nil {
			t.Error("Lookup shows an expired certificate")
		}
		client{sni: "a.example"}.refused(t, s) // the office has nothing newer
		o.mu.Lock()
		o.stored["a.example"] = o.ca.leaf("a.example")
		o.mu.Unlock()
		o.shows(s, "a.example")
	})
}

func TestOnDemandCertificatesSurviveApplyWhileASiteCoversThem(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{}, demanding(""))
	o.shows(s, "a.example")
	o.shows(s, "b.test")
	i := o.of("a.example")
	s.Attach(i.fingerprint(), i.staple("kept"))
	off := demanding("*.example")
	off.OCSPOff = true
	for _, bindings := range [][]tlsstore.Binding{{demanding("*.example"), demanding("")}, {demanding("*.example")}} {
		apply(t, s, bindings...)
		if staple := o.shows(s, "a.example"); !bytes.HasSuffix(staple, []byte("kept")) {
			t.Errorf("staple = %x", staple)
		}
	}
	if r := s.Status(); len(r) != 1 || r[0].OCSPOff {
		t.Errorf("status = %+v, want that of a.example alone", r)
	}
	apply(t, s, off)
	if staple := o.shows(s, "a.example"); staple != nil || !s.Status()[0].OCSPOff {
		t.Errorf("with ocsp off: staple %x, status %+v", staple, s.Status())
	}
	apply(t, s, demanding("*.example"))
	if staple := o.shows(s, "a.example"); staple == nil || s.Status()[0].OCSPOff {
		t.Errorf("without ocsp off: status %+v", s.Status())
	}
	o.wasAsked("a.example", "b.test")
	apply(t, s, on(i.pair(t), "a.example")) // its own site now
	if staple := o.shows(s, "a.example"); staple == nil || s.Status()[0].Source != "manual" {
		t.Errorf("bound: staple %x, status %+v", staple, s.Status())
	}
	apply(t, s)
	client{sni: "a.example"}.refused(t, s)
	if len(s.Status()) != 0 {
		t.Errorf("status = %+v", s.Status())
	}
}

// A site of its own pins a leaf in memory; on demand alone it can leave it again.
func TestALeafThatIsBoundAndOnDemandIsOneInTheCatalog(t *testing.T) {
	o := newOffice(t)
	both := o.ca.leafOf(newKey(t, "P-256"), "a.example", func(template *x509.Certificate) {
		template.DNSNames = []string{"a.example", "*.example"}
	})
	o.issue = func(string) issued { return both }
	elsewhere := on(both.pair(t).From(tlsstore.SourceInternal), "a.example")
	elsewhere.Listener = ":8443"
	s := o.opens(tlsstore.Config{CacheSize: 1}, demanding(""), elsewhere)
	o.shows(s, "b.example")
	o.shows(s, "c.example")
	r := s.Status()
	if len(r) != 1 || !slices.Equal(r[0].Names, []string{"a.example", "b.example", "c.example"}) || r[0].Source != "internal" {
		t.Errorf("status = %+v", r)
	}
	apply(t, s, demanding(""))
	o.issue = nil
	o.shows(s, "z.example") // takes the only place
	o.shows(s, "b.example")
	if r := s.Status(); len(r) != 2 || !slices.Equal(r[0].Names, []string{"b.example", "c.example"}) || r[0].Source != "on_demand" {
		t.Errorf("status = %+v", r)
	}
	if n := o.loads.Load(); n != 1 {
		t.Errorf("%d loads, want 1", n)
	}
	s.Forget("b.example")
	if r := s.Status(); !slices.Equal(r[0].Names, []string{"c.example"}) {
		t.Errorf("status = %+v", r)
	}
}

func TestDefaultSNIMayBeOnDemand(t *testing.T) {
	for _, names := range []string{"", "*.example"} {
		o := newOffice(t)
		s := o.opens(tlsstore.Config{DefaultSNI: "a.example"}, demanding(names))
		shown(t, s, "")
		o.wasAsked("a.example")
	}
}

func TestAMustStapleCertificateGotOnDemandWaitsForItsStaple(t *testing.T) { // S13
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.issue = func(name string) issued { return o.ca.leaf(name, mustStaple) }
		var log logbook
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, demanding(""))
		s.OnDemand(tlsstore.OnDemand{Obtain: o.obtain, Load: o.load})
		defer run(t, s)()
		time.Sleep(time.Hour)
		client{sni: "a.example"}.refused(t, s)
		time.Sleep(31 * time.Second)
		o.shows(s, "a.example")
		time.Sleep(time.Minute)
		if !s.Status()[0].Alarm || log.count("level=ERROR") != 1 {
			t.Errorf("status = %+v, log:\n%s", s.Status(), log.String())
		}
		i := o.of("a.example")
		s.Attach(i.fingerprint(), i.staple(""))
		time.Sleep(2 * time.Second)
		if log.count("level=INFO") != 1 {
			t.Error("the alarm does not end with a staple")
		}
	})
}

func TestNewOnDemandCertificatesArePassedOnAtOnceThenEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.opens(tlsstore.Config{}, demanding(""))
		var calls atomic.Int32
		s.OnChange(func() { calls.Add(1) })
		defer run(t, s)()
		called := func(want int32) {
			t.Helper()
			synctest.Wait()
			if n := calls.Load(); n != want {
				t.Errorf("%d calls of OnChange, want %d", n, want)
			}
		}
		o.shows(s, "a.example")
		called(1)
		for n := range 10 {
			o.shows(s, fmt.Sprintf("n%d.example", n))
		}
		called(1)
		time.Sleep(time.Second)
		called(2)
		time.Sleep(time.Hour)
		called(2)
		o.shows(s, "a.example")
		s.Forget("stranger.example")
		called(2)
		s.Forget("a.example")
		called(3)
	})
}

func TestTheEndOfRunEndsTheGettingOfCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""))
		stop := run(t, s)
		var clients sync.WaitGroup
		clients.Go(func() { client{sni: "a.example"}.refused(t, s) })
		synctest.Wait()
		began := time.Now()
		stop()
		clients.Wait()
		client{sni: "b.example"}.refused(t, s)
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		o.wasAsked("a.example")
	})
}

// What a handshake has chosen it can show, whatever leaves the store meanwhile.
func TestHandshakesSucceedWhileOnDemandCertificatesComeAndGo(t *testing.T) {
	o := newOffice(t)
	s := o.opens(tlsstore.Config{CacheSize: 1, MaxOnDemand: 2}, demanding(""))
	ctx, cancel := context.WithCancel(t.Context())
	var others, clients sync.WaitGroup
	forever := func(do func(n int)) {
		others.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				do(n)
				time.Sleep(time.Millisecond)
			}
		})
	}
	forever(func(n int) { apply(t, s, demanding("", fmt.Sprintf("x%d.example", n))) })
	forever(func(n int) { s.Forget(fmt.Sprintf("n%d.example", n%3)) })
	forever(func(int) {
		for r := range s.Catalog() {
			s.Attach(r.Fingerprint, &tlsstore.Staple{Response: r.Fingerprint[:], From: time.Now(), Until: time.Now().Add(time.Hour)})
		}
	})
	forever(func(n int) {
		name := fmt.Sprintf("n%d.example", n%3)
		o.mu.Lock()
		i := o.ca.leaf(name)
		o.stored[name] = i
		o.mu.Unlock()
		if err := s.Put(name, i.pair(t)); err != nil {
			t.Error(err)
		}
	})
	config := s.TLSConfig(":443", nil)
	for range 4 {
		clients.Go(func() {
			for n := range 100 {
				cs, err := client{sni: fmt.Sprintf("n%d.example", n%3)}.dial(config)
				if err == nil {
					err = ofLeaf(cs)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	cancel()
	others.Wait()
}
