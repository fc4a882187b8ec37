package stapler_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

// several makes n leaves whose responder is at url.
func several(t *testing.T, ca *ocsptest.CA, n int, url string) (leaves []*ocsptest.Leaf) {
	key := ocsptest.NewKey(t, ocsptest.P256)
	for i := range n {
		leaves = append(leaves, ca.Leaf(t, ocsptest.OCSP(url), ocsptest.Validity(-30*day, 365*day),
			ocsptest.Names(fmt.Sprintf("%d.%s", i, url[7:10])), ocsptest.WithKey(key)))
	}
	return leaves
}

func TestAHangingResponderDelaysNobodyElse(t *testing.T) { // S2, S11
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		hung := ocsptest.NewResponder(t, b.ca)
		hung.Set(ocsptest.Hang)
		b.network.set("two.example", hung)
		healthy, hanging := several(t, b.ca, 60, url1), several(t, b.ca, 60, url2)
		b.catalog.put(append(slices.Clone(hanging), healthy...)...)
		b.run()
		time.Sleep(3 * time.Minute) // 60 at 1 s, and 10 s for each of the first probes
		if n := b.catalog.serving(healthy); n != len(healthy) {
			t.Errorf("%d of %d are stapled after 3 min beside a hanging responder", n, len(healthy))
		}
		time.Sleep(12 * time.Hour)
		if n := hung.Count(); n > 25 {
			t.Errorf("%d rounds hung in 12 h, want the breaker to make them rare", n)
		}
		if n := b.catalog.serving(healthy); n != len(healthy) {
			t.Errorf("only %d of %d are stapled after 12 h", n, len(healthy))
		}

		hung.Set(ocsptest.Good)
		time.Sleep(70 * time.Minute)
		if n := b.catalog.serving(hanging); n != len(hanging) {
			t.Errorf("%d of %d are stapled after it came back: one probe should free them all", n, len(hanging))
		}
	})
}

func TestManyDeadRespondersLeaveTimeForTheLivingOne(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		hung := ocsptest.NewResponder(t, b.ca)
		hung.Set(ocsptest.Hang)
		healthy := several(t, b.ca, 60, url1)
		b.catalog.put(healthy[0])
		b.run()
		time.Sleep(time.Minute)
		for i := range 40 {
			host := fmt.Sprintf("%02d.example", i)
			b.network.set(host, hung)
			b.catalog.put(several(t, b.ca, 2, "http://"+host)...)
		}
		b.catalog.put(healthy...)
		b.service.Sync()
		time.Sleep(3 * time.Minute) // half of the time is theirs
		if n := b.catalog.serving(healthy); n != len(healthy) {
			t.Errorf("%d of %d are stapled after 3 min beside 40 hanging responders", n, len(healthy))
		}
	})
}

func TestOneBadCertificateDoesNotKeepItsResponderShut(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain(ocsptest.MustStaple())(t))
		others := several(t, b.ca, 20, url1)
		b.catalog.put(others...)
		b.one.SetFor(leaves[0], ocsptest.Hang) // the most urgent one, for ever
		b.run()
		time.Sleep(10 * time.Minute)
		if n := b.catalog.serving(others); n != len(others) {
			t.Errorf("%d of %d are stapled beside one that hangs", n, len(others))
		}
	})
}

func TestUnknownCertificatesDoNotShutTheirResponder(t *testing.T) { // S4, S11
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		leaves := several(t, b.ca, 20, url1)
		for i, l := range leaves {
			if i%2 == 0 {
				b.one.SetFor(l, ocsptest.Unknown)
			}
		}
		b.catalog.put(leaves...)
		b.run()
		time.Sleep(21 * time.Second)
		if n := b.catalog.serving(leaves); n != 10 {
			t.Errorf("%d of 10 are stapled beside 10 that are unknown", n)
		}
		if n := len(b.book.Find(slog.LevelWarn, "refreshing the staple failed")); n != 10 {
			t.Errorf("%d warnings, want one for each that is unknown", n)
		}
	})
}

func TestAnOutageOfThousandsCostsFewRounds(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		b.catalog.put(several(t, b.ca, 300, url2)...) // nobody answers there
		b.run()
		time.Sleep(7 * day)
		if n := b.network.count(); n >= 300 {
			t.Errorf("%d rounds for 300 certificates in a week, want under 300 for all: one probe stands for them", n)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		b.network.set("one.example", overloaded(20*time.Minute))
		b.run()
		time.Sleep(20*time.Minute - time.Second)
		if n := b.network.count(); n != 1 {
			t.Errorf("%d requests within Retry-After, want 1: it is for every certificate of the responder", n)
		}
		b.network.set("one.example", b.one)
		time.Sleep(3 * time.Minute)
		if n := b.catalog.serving(leaves); n != 2 {
			t.Errorf("%d of 2 are stapled after Retry-After", n)
		}
	})
}

// overloaded asks to be left alone.
func overloaded(wait time.Duration) stapler.Fetcher {
	return stapler.FetcherFunc(func(context.Context, *x509.Certificate, *x509.Certificate) (*ocspsvc.Response, error) {
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonHTTPError, Err: &laterError{wait}}
	})
}

type laterError struct{ wait time.Duration }

func (e *laterError) Error() string             { return "HTTP 503" }
func (e *laterError) RetryAfter() time.Duration { return e.wait }

func TestBackOffDoublesFromAMinuteToAnHourAndFollowsTheStaplesLife(t *testing.T) { // S11
	for _, c := range []struct{ failing, left, life, every, want time.Duration }{
		{0, 0, 0, 12 * time.Hour, time.Minute},
		{time.Minute, 0, 0, 12 * time.Hour, 2 * time.Minute},
		{3 * time.Minute, 0, 0, 12 * time.Hour, 4 * time.Minute},
		{day, 0, 0, 12 * time.Hour, time.Hour},
		{day, 3 * day, 7 * day, 12 * time.Hour, time.Hour},
		{day, time.Hour, 7 * day, 12 * time.Hour, 15 * time.Minute},
		{day, time.Second, 7 * day, 12 * time.Hour, 10 * time.Second},
		{0, 10 * time.Second, 12 * time.Second, 2 * time.Second, time.Second},
		{5 * time.Second, 5 * time.Second, 12 * time.Second, 2 * time.Second, 1250 * time.Millisecond},
		{20 * time.Second, 0, 12 * time.Second, 2 * time.Second, 6 * time.Second},
		{time.Hour, 0, 12 * time.Second, 2 * time.Second, 15 * time.Minute},
		{7 * day, 0, 12 * time.Second, 2 * time.Second, time.Hour},
		{-time.Hour, 0, 0, 12 * time.Hour, time.Minute}, // the clock was set back
	} {
		if got := stapler.Backoff(c.failing, c.left, c.life, c.every); got != c.want {
			t.Errorf("failing for %v with %v of %v left: %v, want %v", c.failing, c.left, c.life, got, c.want)
		}
	}
	for _, c := range []struct{ pause, after, left, want time.Duration }{
		{time.Minute, 0, 0, time.Minute},
		{time.Minute, 10 * time.Minute, 0, 10 * time.Minute},
		{time.Minute, 5 * time.Second, 0, time.Minute},
		{time.Minute, 300 * day, 0, time.Hour},
		{time.Minute, 300 * day, 10 * time.Hour, 5 * time.Hour},
		{time.Minute, 300 * day, 7 * day, day},
	} {
		if got := stapler.Obey(c.pause, c.after, c.left); got != c.want {
			t.Errorf("Retry-After %v with %v left: %v, want %v", c.after, c.left, got, c.want)
		}
	}
}

func TestMustStapleComesFirstThenWhoWasAskedForThenWhoIsDue(t *testing.T) { // S11, S13
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{Pace: time.Minute})
		others := several(t, b.ca, 8, url1)
		must := plain(ocsptest.MustStaple(), ocsptest.Names("must.example"))(t)(b.ca)
		b.catalog.put(append(slices.Clone(others), must)...)
		if err := b.service.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.service.Asked(others[5].Fingerprint())
		b.service.Asked([32]byte{}) // somebody nobody knows
		b.run()
		time.Sleep(90 * time.Second)
		b.service.Asked(others[3].Fingerprint())
		time.Sleep(time.Minute)
		order := b.network.order()
		want := []string{"must.example", others[5].Cert.Subject.CommonName, others[3].Cert.Subject.CommonName}
		if len(order) != 3 || !slices.Equal(order, want) {
			t.Errorf("order = %q, want %q", order, want)
		}
		if !b.status(must).MustStaple {
			t.Error("status does not say must-staple")
		}
	})
}

func TestAskingForAStapleDoesNotHammerADeadResponder(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.network.set("one.example", down)
		b.run()
		for range 3600 {
			b.service.Asked(leaves[0].Fingerprint())
			time.Sleep(time.Second)
		}
		if n := b.network.count(); n > 8 {
			t.Errorf("%d rounds in an hour of clients asking", n)
		}
	})
}

func TestANegativePaceLeavesNoTimeBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{Pace: -1})
		leaves := several(t, b.ca, 50, url1)
		b.catalog.put(leaves...)
		b.run()
		synctest.Wait()
		if times := b.network.when(); len(times) != 50 || times[49].After(times[0]) || b.catalog.serving(leaves) != 50 {
			t.Errorf("%d of 50 at once", b.catalog.serving(leaves))
		}
	})
}

func TestOneCertificateAtATimeWithPaceBetween(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{Pace: 3 * time.Second})
		leaves := several(t, b.ca, 50, url1)
		b.catalog.put(leaves...)
		b.run()
		time.Sleep(150 * time.Second)
		times := b.network.when()
		for i := range times[1:] {
			if gap := times[i+1].Sub(times[i]); gap < 3*time.Second {
				t.Fatalf("%v between two requests", gap)
			}
		}
		if b.catalog.serving(leaves) != 50 {
			t.Errorf("%d of 50 after 150 s", b.catalog.serving(leaves))
		}
	})
}

func TestAFirstFillTakesAQuarterOfAnHour(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		leaves := several(t, b.ca, 1800, url1)
		b.catalog.put(leaves...)
		b.run()
		time.Sleep(7 * time.Minute)
		if n := b.catalog.serving(leaves); n < 700 || n > 950 {
			t.Errorf("%d of 1800 after 7 min, want an even pace", n)
		}
		time.Sleep(8*time.Minute + 5*time.Second)
		if n := b.catalog.serving(leaves); n != len(leaves) {
			t.Errorf("%d of %d after 15 min", n, len(leaves))
		}
	})
}

func TestThePaceShrinksWhereTheWorkWouldNotFit(t *testing.T) { // S11
	for _, c := range []struct {
		certificates, bare int
		interval           time.Duration
		want               time.Duration
	}{
		{10, 0, 12 * time.Hour, time.Second},
		{38_000, 0, 12 * time.Hour, time.Second},
		{100_000, 0, 12 * time.Hour, 388800 * time.Microsecond}, // 0.9 of 12 h
		{1000, 0, 5 * time.Minute, 270 * time.Millisecond},
		{100_000, 100_000, 0, 9 * time.Millisecond}, // 15 min
		{900, 900, 0, time.Second},
	} {
		got := stapler.GapFor(time.Second, c.interval, c.certificates, c.bare)
		if (got - c.want).Abs() > time.Microsecond {
			t.Errorf("%d certificates each %v, %d without staple: %v, want %v", c.certificates, c.interval, c.bare, got, c.want)
		}
	}
}

func TestACycleOfManyCertificatesFitsIntoRefreshEvery(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{RefreshEvery: 10 * time.Minute})
		leaves := several(t, b.ca, 1500, url1) // 25 min at the configured pace
		b.catalog.put(leaves...)
		b.run()
		time.Sleep(40 * time.Minute)
		late := 0
		for _, l := range leaves {
			if since := time.Since(b.status(l).LastRefresh); since > 11*time.Minute {
				late++
			}
		}
		if late > 0 {
			t.Errorf("%d of 1500 were not refreshed within their cycle", late)
		}
	})
}

func TestARefusedAddressIsAFailureLikeAnother(t *testing.T) { // S4, N4
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.run()
		synctest.Wait()
		b.network.set("one.example", stapler.FetcherFunc(func(context.Context, *x509.Certificate, *x509.Certificate) (*ocspsvc.Response, error) {
			return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonBlockedAddress, Err: errors.New("10.0.0.1 is private; see allow")}
		}))
		time.Sleep(day)
		b.wantState("blocked", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		if lines := b.book.Find(slog.LevelWarn, "refreshing the staple failed"); len(lines) == 0 || lines[0].Attrs["reason"] != "blocked_address" {
			t.Errorf("warnings = %+v", lines)
		}
	})
}
