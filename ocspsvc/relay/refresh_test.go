package relay_test

import (
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

// requestsIn is how many requests the responder gets in d, of a client that asks
// each hour.
func (d *desk) requestsIn(span time.Duration, leaf *ocsptest.Leaf) int {
	before := d.responder.CountFor(leaf)
	for end := time.Now().Add(span); time.Now().Before(end); {
		time.Sleep(time.Hour)
		if got := d.ask(leaf); got != "good" {
			d.t.Errorf("answer = %q", got)
		}
	}
	return d.responder.CountFor(leaf) - before
}

func TestAnswersAreAskedForDailyAndThenHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("at first", leaf, "good", 1)
		if n := d.requestsIn(30*day, leaf); n < 30 || n > 33 {
			t.Errorf("a responder that signs anew: %d requests in 30 days", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Age = 5 * day }) // as one that signs rarely
		d.want("at first", leaf, "good", 1)
		if n := d.requestsIn(day, leaf); n < 24 || n > 27 {
			t.Errorf("past half of its life: %d requests in a day", n)
		}
	})
}

func TestShortLivesAreRefreshedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Validity = 10 * time.Minute })
		d.want("at first", leaf, "good", 1)
		misses := d.count("misses_total")
		if n := d.requestsIn(day, leaf); n < 24*12 || n > 24*14 {
			t.Errorf("%d requests in a day", n)
		}
		if d.count("misses_total") != misses {
			t.Error("somebody had to wait")
		}
	})
}

func TestWhatNobodyAsksForIsNotRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("at first", leaf, "good", 1)
		time.Sleep(30 * day)
		if n := d.responder.CountFor(leaf); n > 5 {
			t.Errorf("%d requests for nobody", n)
		}
		if n := d.count("answers"); n != 0 {
			t.Errorf("%v answers that have ended are in memory", n)
		}
	})
}

func TestARevocationIsRelayedAfterTheNextRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("at first", leaf, "good", 1)
		d.responder.Set(ocsptest.Revoked)
		time.Sleep(day)
		d.want("a day later", leaf, "revoked", 2)
	})
}

// An old answer, still in time, must not take the place of a newer one.
func TestAReplayDoesNotDisplaceANewerAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Set(ocsptest.Revoked)
		d.want("at first", leaf, "revoked", 1)
		d.responder.Change(func(s *ocsptest.Settings) { s.Fault, s.Age = ocsptest.Good, 2*day })
		time.Sleep(day)
		if got := d.ask(leaf); got != "revoked" || d.count("upstream_total", string(ocspsvc.ReasonTooOld)) == 0 {
			t.Errorf("a day later: %q", got)
		}
	})
}

// Of two that were made in the same second the worse one counts.
func TestOfTheSameTimeTheRevocationCounts(t *testing.T) {
	for _, order := range [][2]ocsptest.Fault{{ocsptest.Revoked, ocsptest.Good}, {ocsptest.Good, ocsptest.Revoked}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			leaf := d.ca.Leaf(t)
			d.responder.Set(order[0])
			d.want("at first", leaf, string(order[0]), 1)
			d.close()
			time.Sleep(day)
			d.responder.Change(func(s *ocsptest.Settings) { s.Fault, s.Age = order[1], day })
			d.open()
			d.want("after a restart", leaf, "revoked", 2)
		})
	}
}

// prefetching has no configured issuer, but certificates.
func prefetching(t *testing.T, leaves ...*ocsptest.Leaf) *desk {
	t.Helper()
	d := prepare(t)
	for i, leaf := range leaves {
		d.ca = leaf.Issuer
		d.file(string(rune('a'+i))+".pem", ocsptest.CertPEM(leaf.Chain()...))
	}
	d.responder = ocsptest.NewResponder(t, d.ca)
	d.up()
	d.cfg = relay.Config{Certificates: []string{d.dir + "/*.pem"}}
	d.open()
	return d
}

const aia = "http://ocsp.example/"

func TestCertificatesArePrefetchedAndKeptFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := ocsptest.NewCA(t)
		leaf, other := ca.Leaf(t, ocsptest.OCSP(aia)), ca.Leaf(t, ocsptest.OCSP(aia))
		d := prefetching(t, leaf, other)
		synctest.Wait()
		if d.responder.Count() != 2 || d.count("answers", "prefetched") != 2 {
			t.Errorf("%d requests, want 2", d.responder.Count())
		}
		d.want("at first", leaf, "good", 1)
		time.Sleep(30 * day)
		if n := d.responder.CountFor(leaf); n < 31 || n > 33 {
			t.Errorf("%d requests in 30 days", n)
		}
		d.down()
		time.Sleep(5 * day)
		d.want("in an outage", leaf, "good", d.responder.CountFor(leaf))
		// The responder was learned from the certificates, for others of the issuer too.
		d.up()
		time.Sleep(time.Hour)
		d.want("another one", ca.Leaf(t), "good", 1)
	})
}

// Where the leaf is at hand, it is asked about as stapling would, and at its own
// responder.
func TestAPrefetchedLeafIsVerifiedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := ocsptest.NewCA(t)
		leaf, other := ca.Leaf(t, ocsptest.OCSP("http://own.example/")), ca.Leaf(t, ocsptest.OCSP(aia))
		d := prefetching(t, leaf, other)
		d.responder.Set(ocsptest.ProducedTooEarly)
		own := ocsptest.NewResponder(t, ca)
		own.Set(ocsptest.ProducedTooEarly)
		d.Name("own.example", "9.9.9.9")
		d.Serve("9.9.9.9:80", own)
		d.open()
		time.Sleep(time.Hour)
		if got := d.ask(leaf); got != "tryLater" {
			t.Errorf("answer = %q", got)
		}
		if own.CountFor(leaf) < 5 || own.CountFor(other) != 0 || d.responder.CountFor(leaf) != 0 {
			t.Errorf("%d requests at its own responder, %d at the other", own.CountFor(leaf), d.responder.CountFor(leaf))
		}
		own.Set(ocsptest.Good)
		time.Sleep(11 * time.Minute)
		if got := d.ask(leaf); got != "good" {
			t.Errorf("answer = %q", got)
		}
	})
}

func TestCertificateFilesMayChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := ocsptest.NewCA(t)
		leaf := ca.Leaf(t, ocsptest.OCSP(aia))
		d := prefetching(t, leaf)
		synctest.Wait()
		renewed := ca.Leaf(t, ocsptest.OCSP(aia), ocsptest.Names("renewed.example"))
		d.file("a.pem", append(ocsptest.CertPEM(renewed.Chain()...), '\n', '\n'))
		time.Sleep(2 * time.Minute)
		d.want("the renewed one", renewed, "good", 1)
		d.file("a.pem", []byte("-----BEGIN CERTIFICATE-----\nhalf"))
		time.Sleep(day + time.Hour)
		if d.responder.CountFor(renewed) != 2 || len(d.book.Find(slog.LevelWarn, "reading certificates")) != 1 {
			t.Errorf("half a file: %d requests", d.responder.CountFor(renewed))
		}
		if err := os.Remove(d.dir + "/a.pem"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * day)
		if n := d.responder.CountFor(renewed); n > 7 {
			t.Errorf("the file is gone, and there were %d requests", n)
		}
	})
}

// An issuer that comes with a renewed certificate is as good as a configured one.
func TestAnIssuerIsLearnedFromItsChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		next := ocsptest.NewCA(t, ocsptest.Name("the next intermediate"))
		leaf := next.Leaf(t, ocsptest.OCSP("http://next.example/"))
		responder := ocsptest.NewResponder(t, next)
		d.Name("next.example", "9.9.9.9")
		d.Serve("9.9.9.9:80", responder)
		d.cfg.Certificates = []string{d.dir + "/*.crt"}
		d.open()
		if got := d.ask(leaf); got != "not ours" {
			t.Errorf("before: %q", got)
		}
		d.file("leaf.crt", ocsptest.CertPEM(leaf.Chain()...))
		time.Sleep(2 * time.Minute)
		d.ca = next
		if got := d.ask(leaf); got != "good" || responder.Count() != 1 {
			t.Errorf("after: %q, %d requests", got, responder.Count())
		}
	})
}

func TestAnAnswerIsKeptWhenItsCertificateIsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Certificates, d.storage = []string{d.dir + "/*.crt"}, nil
		d.open()
		leaf := d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		d.file("leaf.crt", ocsptest.CertPEM(leaf.Cert))
		time.Sleep(3 * time.Minute)
		d.want("after", leaf, "good", 1)
		if d.count("answers", "prefetched") != 1 || d.count("answers", "asked") != 0 || d.count("bytes") != 0 {
			t.Errorf("%v and %v answers", d.count("answers", "prefetched"), d.count("answers", "asked"))
		}
	})
}

// A file without the issuer waits for one that has it.
func TestAnIssuerThatComesLaterIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := ocsptest.NewCA(t)
		alone, whole := ca.Leaf(t, ocsptest.OCSP(aia)), ca.Leaf(t, ocsptest.OCSP(aia))
		d := prefetching(t)
		d.file("a.pem", ocsptest.CertPEM(alone.Cert))
		time.Sleep(3 * time.Minute)
		if n := len(d.book.Find(slog.LevelWarn, "no OCSP answer can be had")); n != 1 || d.count("answers") != 0 {
			t.Errorf("%d warnings, want 1", n)
		}
		d.file("b.pem", ocsptest.CertPEM(whole.Chain()...))
		time.Sleep(3 * time.Minute)
		if n := d.count("answers", "prefetched"); n != 2 {
			t.Errorf("%v certificates are prefetched, want 2", n)
		}
	})
}

func TestWhatCannotBePrefetchedIsNamedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Certificates = []string{d.dir + "/*.crt"}
		d.cfg.Issuers[0].Responder = ""
		d.file("without_aia.crt", ocsptest.CertPEM(d.ca.Leaf(t).Cert))
		d.file("no_revocation.crt", ocsptest.CertPEM(d.ca.Leaf(t, ocsptest.NoRevAvail()).Cert))
		d.file("expired.crt", ocsptest.CertPEM(d.ca.Leaf(t, ocsptest.OCSP(aia), ocsptest.Validity(-2*day, -day)).Cert))
		d.file("without_issuer.crt", ocsptest.CertPEM(ocsptest.NewCA(t).Leaf(t, ocsptest.OCSP(aia)).Cert))
		d.open()
		time.Sleep(day)
		if n := len(d.book.Find(slog.LevelWarn, "no OCSP answer can be had")); n != 2 {
			t.Errorf("%d warnings, want 2", n)
		}
		if d.responder.Count() != 0 {
			t.Errorf("%d requests", d.responder.Count())
		}
		if got := d.ask(d.ca.Leaf(t)); got != "unauthorized" {
			t.Errorf("of an issuer without a responder: %q", got)
		}
	})
}
