package relay_test

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
)

// many has so many certificates to prefetch.
func many(t *testing.T, certificates int, validity time.Duration) (d *desk, leaves []*ocsptest.Leaf) {
	t.Helper()
	d = newDesk(t)
	d.responder.Change(func(s *ocsptest.Settings) { s.Validity = validity })
	const each = 16 // as many as are read of a file
	for i := range certificates / each {
		var chain []*x509.Certificate
		for range each {
			leaf := d.ca.Leaf(t)
			leaves, chain = append(leaves, leaf), append(chain, leaf.Cert)
		}
		d.file(fmt.Sprintf("%d.crt", i), ocsptest.CertPEM(chain...))
	}
	d.cfg.Certificates = []string{d.dir + "/*.crt"}
	d.open()
	return d, leaves
}

// A responder is not asked for everything at once; who waits for an answer does not
// wait for those that nobody waits for.
func TestManyCertificatesArePrefetchedAtAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const certificates = 320
		d, leaves := many(t, certificates, 7*day)
		time.Sleep(time.Second)
		if n := d.responder.Count(); n < 200 || n > 240 {
			t.Errorf("%d requests in the first second", n)
		}
		var askers sync.WaitGroup
		begun := time.Now()
		for i, leaf := range leaves {
			if i%10 == 0 {
				askers.Go(func() {
					if got := d.ask(leaf); got != "good" {
						t.Errorf("answer = %q", got)
					}
				})
			}
		}
		if askers.Wait(); time.Since(begun) > 500*time.Millisecond {
			t.Errorf("who waits waited for %v", time.Since(begun))
		}
		time.Sleep(20 * time.Second)
		if n := d.responder.Count(); n != certificates {
			t.Errorf("%d requests, want %d", n, certificates)
		}
		time.Sleep(2 * day)
		if n := d.responder.Count(); n < 3*certificates || n > 4*certificates {
			t.Errorf("%d requests in two days, want one a day for each certificate", n)
		}
		hits := d.responder.Hits()
		for i := certificates; i < len(hits); i++ {
			if second := hits[i].Time; second.Sub(hits[max(i-230, 0)].Time) < time.Second {
				t.Fatalf("more than 230 requests in a second, at %v", second)
			}
		}
	})
}

// The pace makes way where lives are short: nobody gets tryLater for it.
func TestThePaceLetsNoAnswerEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const certificates = 560
		d, leaves := many(t, certificates, 20*time.Second) // needs 28 requests in a second, at least
		time.Sleep(time.Minute)
		misses := d.count("misses_total")
		for range 20 {
			time.Sleep(2 * time.Second)
			for i, leaf := range leaves {
				if i%20 == 0 {
					d.ask(leaf)
				}
			}
		}
		if n := d.count("misses_total") - misses; n > 0 {
			t.Errorf("%v had to wait", n)
		}
	})
}

func TestTooManyFilesAreNotIgnoredSilently(t *testing.T) {
	d := newDesk(t)
	link := func(file, name string) {
		if err := os.Symlink(file, filepath.Join(d.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(d.dir, "all"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 101 { // times 100 is 10,100
		link("../issuer.pem", fmt.Sprintf("all/%d.crt", i))
		if i > 0 {
			link("all", fmt.Sprintf("all%d", i))
		}
	}
	d.cfg.Certificates = []string{d.dir + "/all*/*.crt", d.dir + "/all*/9*.crt"}
	d.open()
	if n := len(d.book.Find(slog.LevelWarn, "too many files")); n != 1 {
		t.Errorf("%d warnings", n)
	}
}

// Nor for a responder that is slow with those.
func TestWhoWaitsGetsPastThoseThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, leaves := many(t, 32, 7*day)
		d.responder.Change(func(s *ocsptest.Settings) { s.Delay = 6 * time.Second })
		d.storage = nil
		d.open()
		synctest.Wait()
		begun := time.Now()
		var askers sync.WaitGroup
		for _, leaf := range leaves[:3] {
			askers.Go(func() {
				if got := d.ask(leaf); got != "good" {
					t.Errorf("answer = %q after %v", got, time.Since(begun))
				}
			})
		}
		askers.Wait()
		time.Sleep(time.Hour)
		if n := d.responder.Count(); n > 3*32 {
			t.Errorf("%d requests", n)
		}
	})
}

// The same certificate may be in several files, as in cert.pem and fullchain.pem: its
// answer is not lost when they are looked at again.
func TestACertificateInTwoFilesIsPrefetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.storage = nil
		leaf := d.ca.Leaf(t)
		d.file("cert.crt", ocsptest.CertPEM(leaf.Cert))
		d.file("fullchain.crt", ocsptest.CertPEM(leaf.Cert, d.ca.Cert))
		d.cfg.Certificates = []string{d.dir + "/*.crt"}
		d.open()
		time.Sleep(10 * time.Minute)
		if n := d.relay.Status().Prefetched; n != 1 {
			t.Errorf("%d are prefetched", n)
		}
		d.want("later", leaf, "good", 1)
	})
}
