package tlsstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
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
