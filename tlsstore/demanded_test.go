package tlsstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

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
