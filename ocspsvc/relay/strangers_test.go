package relay_test

import (
	"crypto/x509"
	"log/slog"
	"math/big"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

// madeUp is a certificate that does not exist.
func (d *desk) madeUp(serial int) *ocsptest.Leaf {
	return &ocsptest.Leaf{Cert: &x509.Certificate{SerialNumber: big.NewInt(int64(serial) + 1), RawIssuer: d.ca.Cert.RawSubject}, Issuer: d.ca}
}

// Who asks for serials that he made up, a hundred in a second, makes the relay ask
// the responder ten times in a second, whatever that says of them; and nobody whose
// certificate is known to the relay notices.
func TestMadeUpSerialsDoNotHammerTheResponder(t *testing.T) {
	for _, fault := range []ocsptest.Fault{ocsptest.Unknown, ocsptest.Unauthorized, ocsptest.HTTP404} {
		t.Run(string(fault), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { madeUpSerials(t, fault) }) })
	}
}

func madeUpSerials(t *testing.T, fault ocsptest.Fault) {
	d := newDesk(t)
	prefetched, stored, held, fresh := d.ca.Leaf(t), d.ca.Leaf(t), d.ca.Leaf(t), d.ca.Leaf(t)
	d.responder.Change(func(s *ocsptest.Settings) { s.Validity = 2 * time.Hour })
	d.ask(stored)
	d.cfg.Certificates = []string{d.file("leaf.crt", ocsptest.CertPEM(prefetched.Cert))}
	d.open()
	d.ask(held)
	time.Sleep(3 * time.Hour) // what nobody asked for has ended
	d.responder.Set(fault)
	for _, leaf := range []*ocsptest.Leaf{prefetched, stored, held, fresh} {
		d.responder.SetFor(leaf, ocsptest.Good)
	}
	before := d.responder.Count()
	for i := range 100 * 100 {
		time.Sleep(10 * time.Millisecond)
		d.ask(d.madeUp(i))
	}
	methods := 1
	if fault == ocsptest.HTTP404 {
		methods = 2 // it is tried by POST, too
	}
	if n := (d.responder.Count() - before) / methods; n < 900 || n > 10*110+10 {
		t.Errorf("%d requests in 100 s", n)
	}
	for name, leaf := range map[string]*ocsptest.Leaf{"prefetched": prefetched, "stored": stored, "held": held} {
		if got := d.ask(leaf); got != "good" {
			t.Errorf("%s: answer = %q", name, got)
		}
	}
	if n := len(d.book.Find(slog.LevelWarn, "many certificates are asked about")); n != 1 || d.count("misses_total", "limited") < 8000 {
		t.Errorf("%d warnings, %v limited", n, d.count("misses_total", "limited"))
	}
	time.Sleep(time.Second)
	if got := d.ask(fresh); got != "good" {
		t.Errorf("a new certificate, when it is over: %q", got)
	}
}

// Certificates that exist are no strangers, however many come at once.
func TestManyNewCertificatesAreAllAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Limits.UnknownRate = 1
		d.open()
		var askers sync.WaitGroup
		for range 100 {
			leaf := d.ca.Leaf(t)
			askers.Go(func() {
				if got := d.ask(leaf); got != "good" {
					t.Errorf("answer = %q", got)
				}
			})
		}
		askers.Wait()
	})
}

// As many as may wait are not let through at once, only because none of them has
// turned out to be made up yet.
func TestMadeUpSerialsAllAtOnceAreBoundedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Limits.UnknownRate = 1
		d.open()
		d.responder.Change(func(s *ocsptest.Settings) { s.Fault, s.Delay = ocsptest.Unknown, 10*time.Millisecond })
		var askers sync.WaitGroup
		for i := range 200 {
			askers.Go(func() { d.ask(d.madeUp(i)) })
		}
		askers.Wait()
		if n := d.responder.Count(); n > 10+4 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWhatIsPassedOnHasARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Limits.PassingRate = 1
		d.open()
		leaf, other := d.ca.Leaf(t), d.ca.Leaf(t)
		d.want("without a nonce", leaf, "good", 1)
		for range 100 {
			if _, _, word := d.withNonce(leaf); word != "good" {
				t.Errorf("answer = %q", word)
			}
		}
		d.want("after many with one", leaf, "good", 1+10)
		if _, _, word := d.withNonce(other); word != "tryLater" || d.count("misses_total", "limited") != 91 {
			t.Errorf("of another one: %q; %v limited", word, d.count("misses_total", "limited"))
		}
		time.Sleep(time.Second)
		if _, response, word := d.withNonce(other); word != "good" || len(response.Nonce) == 0 {
			t.Errorf("a second later: %q", word)
		}
	})
}

// A disk that never comes back holds up no end.
func TestRunEndsThoughADiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		hangs := make(chan struct{})
		defer close(hangs)
		d.disk.set(func() { d.disk.hangs = hangs })
		d.want("a disk that hangs", d.ca.Leaf(t), "good", 1)
		begun := time.Now()
		d.close()
		if took := time.Since(begun); took > 10*time.Second || len(d.book.Find(slog.LevelWarn, "a disk hangs")) != 1 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestTheTimeoutLeavesServersTimeToHearTryLater(t *testing.T) {
	if relay.DefaultTimeout > 9*time.Second || relay.DefaultTimeout < 6*time.Second {
		t.Errorf("%v: Apache and hitch give up after 10 s, and a resolver passes a dead name server after 5", relay.DefaultTimeout)
	}
}
