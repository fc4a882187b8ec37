package stapler_test

import (
	"context"
	"crypto/x509"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

// onTerms puts leaf into the catalog again, on terms of its own.
func (b *bench) onTerms(leaf *ocsptest.Leaf, terms stapler.Terms) {
	b.catalog.set(stapler.Certificate{Fingerprint: leaf.Fingerprint(), Chain: leaf.ChainDER(), Manual: true, Terms: terms})
	b.service.Sync()
	synctest.Wait()
}

func TestACertificateIsRefreshedOnItsOwnTerms(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{RefreshEvery: 1000 * time.Hour, MaxAge: 1000 * day}, plain()(t))
		leaf := leaves[0]
		b.network.set("one.example", says(answer{next: 300 * day}.sign(t, b.ca, leaf)))
		b.run()
		time.Sleep(day)
		if n := b.network.count(); n != 1 {
			t.Fatalf("asked %d times in a day", n)
		}
		b.onTerms(leaf, stapler.Terms{RefreshEvery: time.Hour})
		time.Sleep(day)
		if n := b.network.count(); n < 20 || n > 40 {
			t.Errorf("asked %d times in a day, with refresh_every 1h", n-1)
		}
		b.onTerms(leaf, stapler.Terms{})
		before := b.network.count()
		time.Sleep(5 * day)
		if n := b.network.count() - before; n > 2 {
			t.Errorf("asked %d times in 5 days, on the terms of all", n)
		}
	})
}

func TestAStapleEndsOnTheTermsOfItsCertificate(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{MaxAge: 6 * day}, plain()(t), plain()(t))
		own, other := leaves[0], leaves[1]
		b.onTerms(own, stapler.Terms{MaxAge: day})
		b.run()
		time.Sleep(5 * time.Second)
		b.network.set("one.example", down)
		refreshed := b.status(own).LastRefresh
		if until := b.catalog.staple(own).Until; until.Sub(refreshed) > day {
			t.Errorf("until %v, refreshed %v", until, refreshed)
		}
		time.Sleep(2 * day)
		if b.catalog.serves(own) || !b.catalog.serves(other) {
			t.Errorf("after 2 days: own %v, other %v", b.catalog.serves(own), b.catalog.serves(other))
		}
		b.onTerms(own, stapler.Terms{}) // as a reload does
		if !b.catalog.serves(own) {
			t.Error("on the terms of all it is not served")
		}
		b.onTerms(own, stapler.Terms{MaxAge: day})
		if b.catalog.serves(own) {
			t.Error("on its own terms it is served again")
		}
	})
}

func TestACertificateMayDoWithoutNextUpdate(t *testing.T) { // S10
	for _, all := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b, leaves := setUp(t, stapler.Config{RequireNextUpdate: all}, plain()(t), plain()(t))
			own, other := leaves[0], leaves[1]
			b.one.Set(ocsptest.NoNextUpdate)
			b.network.set("one.example", stapler.FetcherFunc(func(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
				if leaf.Equal(own.Cert) {
					return naive(b.one, own).Fetch(ctx, leaf, issuer)
				}
				return naive(b.one, other).Fetch(ctx, leaf, issuer)
			}))
			terms := map[bool]stapler.NextUpdate{true: stapler.NextUpdateOptional, false: stapler.NextUpdateRequired}[all]
			b.onTerms(own, stapler.Terms{NextUpdate: terms})
			b.run()
			time.Sleep(time.Minute)
			synctest.Wait()
			if b.catalog.serves(own) != all || b.catalog.serves(other) == all {
				t.Errorf("required of all %v: own %v, other %v", all, b.catalog.serves(own), b.catalog.serves(other))
			}
			reason := b.status(map[bool]*ocsptest.Leaf{true: other, false: own}[all]).Reason
			if reason != ocspsvc.ReasonNoNextUpdate {
				t.Errorf("the one without is called %s", reason)
			}
			b.onTerms(own, stapler.Terms{})
			time.Sleep(2 * time.Hour)
			if b.catalog.serves(own) != !all {
				t.Errorf("required of all %v, on the terms of all: %v", all, b.catalog.serves(own))
			}
		})
	}
}

// A responder that is down holds up nobody who has another one.
func TestACertificateWithAResponderOfItsOwnWaitsForNoOther(t *testing.T) { // S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, slices.Repeat([]func(*ocsptest.CA) *ocsptest.Leaf{plain()(t)}, 21)...)
		own, others, asked := leaves[0], leaves[1:], 0
		b.network.set("one.example", stapler.FetcherFunc(func(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
			if leaf.Equal(own.Cert) {
				asked++
				return b.one.Fetch(ctx, leaf, issuer)
			}
			return down.Fetch(ctx, leaf, issuer)
		}))
		b.onTerms(own, stapler.Terms{Responder: "http://own.example/path", RefreshEvery: time.Minute})
		b.run()
		time.Sleep(30 * time.Minute) // the breaker of the others is open
		b.wantState("own", own, stapler.Fresh, ocspsvc.ReasonGood)
		if asked < 29 {
			t.Errorf("asked %d times in 30 minutes, with refresh_every 1m", asked)
		}
		if got := b.status(own).Responder; got != "http://own.example/path" {
			t.Errorf("responder %q", got)
		}
		if b.catalog.serves(others[0]) || b.status(others[0]).Responder == b.status(own).Responder {
			t.Error("the others ask there too")
		}
	})
}

func TestACertificateWithoutResponderMayGetOne(t *testing.T) { // S12
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, func(ca *ocsptest.CA) *ocsptest.Leaf { return ca.Leaf(t) })
		leaf := leaves[0]
		asked := func(ctx context.Context, cert, issuer *x509.Certificate) (*ocspsvc.Response, error) {
			return nil, ocspsvc.Refuse(ocspsvc.ReasonNoResponder, "nobody to ask")
		}
		fetch := func(f stapler.Fetcher) {
			if err := b.service.Reconfigure(stapler.Config{}, f); err != nil {
				t.Fatal(err)
			}
		}
		fetch(stapler.FetcherFunc(asked))
		b.run()
		time.Sleep(time.Minute)
		b.wantState("without", leaf, stapler.None, ocspsvc.ReasonNoResponder)
		fetch(naive(b.one, leaf)) // before the catalog says so, as in a reload
		b.onTerms(leaf, stapler.Terms{Responder: "http://own.example"})
		time.Sleep(time.Minute)
		b.wantState("with", leaf, stapler.Fresh, ocspsvc.ReasonGood)
	})
}
