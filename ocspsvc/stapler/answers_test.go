package stapler_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

// naive hands on whatever the responder says, as a careless Fetcher would.
func naive(r *ocsptest.Responder, leaf *ocsptest.Leaf) stapler.Fetcher {
	return stapler.FetcherFunc(func(context.Context, *x509.Certificate, *x509.Certificate) (*ocspsvc.Response, error) {
		return &ocspsvc.Response{Raw: r.DER(leaf)}, nil
	})
}

func TestNothingDisplacesAValidStapleButABetterOneOrARevocation(t *testing.T) { // S4, S10
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{RequireNextUpdate: true, MaxAge: 20 * day}, plain()(t))
		leaf := leaves[0]
		if err := b.service.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, fault := range ocsptest.Faults() {
			reason := fault.Reason()
			switch fault {
			case ocsptest.NonceMismatch: // no nonce was sent
				reason = ocspsvc.ReasonGood
			case ocsptest.Old: // refused because a newer one is held
			}
			if reason == ocspsvc.ReasonRevoked {
				continue // below
			}
			time.Sleep(5 * time.Minute) // beyond what an answer may be ahead
			b.one.Set(ocsptest.Good)
			b.network.set("one.example", b.one)
			if _, err := b.service.Refresh(t.Context(), leaf.Fingerprint()); err != nil {
				t.Fatalf("before %s: %v", fault, err)
			}
			held := b.catalog.staple(leaf)
			b.one.Set(fault)
			if !fault.OverHTTP() {
				b.network.set("one.example", naive(b.one, leaf))
			}
			status, err := b.service.Refresh(t.Context(), leaf.Fingerprint())
			if reason == ocspsvc.ReasonGood {
				if err != nil || status.State != stapler.Fresh {
					t.Errorf("%s: %v, want it accepted", fault, err)
				}
				continue
			}
			if got := ocspsvc.ReasonOf(err); got != reason {
				t.Errorf("%s: reason %s (%v), want %s", fault, got, err, reason)
			}
			if got := b.catalog.staple(leaf); got != held || status.State != stapler.Fresh {
				t.Errorf("%s: displaced the valid staple", fault)
			}
		}
	})
}

func TestEveryKindOfRevocationRemovesTheStaple(t *testing.T) { // S4, S10
	for _, fault := range []ocsptest.Fault{ocsptest.Revoked, ocsptest.OnHold, ocsptest.NotIssued, ocsptest.GoodAndRevoked} {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, leaves := setUp(t, stapler.Config{}, plain()(t))
				b.run()
				synctest.Wait()
				b.one.Set(fault)
				time.Sleep(13 * time.Hour)
				b.wantState("revoked", leaves[0], stapler.None, ocspsvc.ReasonRevoked)
			})
		})
	}
}

func TestAnOlderAnswerNeverDisplacesANewerOne(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		older := answer{this: -day}.sign(t, b.ca, leaf)
		b.run()
		synctest.Wait()
		held, refreshed := b.catalog.staple(leaf), b.status(leaf).LastRefresh
		b.network.set("one.example", says(older))
		time.Sleep(time.Hour)
		_, err := b.service.Refresh(t.Context(), leaf.Fingerprint())
		if ocspsvc.ReasonOf(err) != ocspsvc.ReasonTooOld || !strings.Contains(err.Error(), "older than the one held") {
			t.Errorf("err = %v", err)
		}
		if b.catalog.staple(leaf) != held || !b.status(leaf).LastRefresh.Equal(refreshed) {
			t.Error("the older answer counted")
		}
		if len(b.book.Find(slog.LevelWarn, "refreshing the staple failed")) != 1 {
			t.Error("the refusal was not logged")
		}
	})
}

func TestAnOlderAnswerIsBetterThanAnEndedOne(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		short := answer{next: time.Hour}.sign(t, b.ca, leaves[0])
		older := answer{this: -day}.sign(t, b.ca, leaves[0])
		b.network.set("one.example", says(short))
		b.run()
		synctest.Wait()
		b.network.set("one.example", says(older))
		time.Sleep(3 * time.Hour)
		b.wantState("after the short one ended", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestOnlyANewerGoodLiftsARevocation(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		before := answer{this: -time.Hour}.sign(t, b.ca, leaf)
		same := answer{}.sign(t, b.ca, leaf)
		b.network.set("one.example", says(answer{status: ocspsvc.Revoked}.sign(t, b.ca, leaf)))
		b.run()
		synctest.Wait()
		b.wantState("on hold", leaf, stapler.None, ocspsvc.ReasonRevoked)
		for name, replayed := range map[string][]byte{"an older good": before, "a good of the same second": same} {
			b.network.set("one.example", says(replayed))
			time.Sleep(time.Minute)
			if _, err := b.service.Refresh(t.Context(), leaf.Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonTooOld {
				t.Errorf("%s: err = %v", name, err)
			}
			b.wantState(name, leaf, stapler.None, ocspsvc.ReasonRevoked)
		}
		b.network.set("one.example", b.one)
		time.Sleep(13 * time.Hour)
		b.wantState("lifted", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if b.catalog.isRevoked(leaf) || !slices.Contains(b.catalog.history(), `revocation "good"`) {
			t.Error("nobody was told that the hold was lifted")
		}
		if len(b.book.Find(slog.LevelInfo, "no longer revoked")) != 1 {
			t.Error("the lifting was not logged")
		}
		if !b.status(leaf).RevokedAt.IsZero() {
			t.Error("status still has a time of revocation")
		}
	})
}

func TestAResponseAheadOfTimeIsServedFromItsThisUpdateOn(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		b.one.Set(ocsptest.NearFuture)
		b.run()
		synctest.Wait()
		b.wantState("at once", leaf, stapler.None, ocspsvc.ReasonNotYetValid)
		time.Sleep(4*time.Minute - time.Nanosecond)
		b.wantState("just before thisUpdate", leaf, stapler.None, ocspsvc.ReasonNotYetValid)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		b.wantState("at thisUpdate", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if b.book.Loud() > 0 {
			t.Error("a clock that is 4 min off was loud")
		}

		// With a staple at hand there is no gap: the old one stays until then.
		old := b.catalog.staple(leaf)
		if _, err := b.service.Refresh(t.Context(), leaf.Fingerprint()); err != nil {
			t.Fatal(err)
		}
		if b.catalog.staple(leaf) != old {
			t.Error("replaced by one that is ahead of time")
		}
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if b.catalog.staple(leaf) == old || !b.catalog.serves(leaf) {
			t.Error("not replaced at its thisUpdate")
		}
	})
}

func TestAnAnswerThatHoldsAtNoTimeIsRefused(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.run()
		synctest.Wait()
		held := b.catalog.staple(leaves[0])
		empty := answer{this: 4 * time.Minute, next: 4 * time.Minute}.sign(t, b.ca, leaves[0])
		ahead := answer{this: 4 * time.Minute}.sign(t, b.ca, leaves[0])
		for name, c := range map[string]struct {
			der []byte
			cfg stapler.Config
		}{
			"nextUpdate is thisUpdate":             {empty, stapler.Config{}},
			"max_age is over before thisUpdate is": {ahead, stapler.Config{MaxAge: time.Minute}},
		} {
			if err := b.service.Reconfigure(c.cfg, says(c.der)); err != nil {
				t.Fatal(err)
			}
			if _, err := b.service.Refresh(t.Context(), leaves[0].Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonExpired {
				t.Errorf("%s: err = %v", name, err)
			}
		}
		if got := b.catalog.staple(leaves[0]); string(got.Response) != string(held.Response) {
			t.Error("it displaced the staple")
		}
		// One that is ahead of time when max_age is cut does not keep the watch busy.
		if err := b.service.Reconfigure(stapler.Config{}, says(ahead)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.service.Refresh(t.Context(), leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		if err := b.service.Reconfigure(stapler.Config{MaxAge: 2 * time.Minute}, down); err != nil {
			t.Fatal(err)
		}
		time.Sleep(day)
		b.wantState("in the end", leaves[0], stapler.Stale, ocspsvc.ReasonTooOld)
	})
}

func TestResponsesWithoutNextUpdateAreBoundedByMaxAgeOrRefused(t *testing.T) { // S3, C13
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{MaxAge: 2 * day}, plain()(t))
		leaf := leaves[0]
		b.one.Set(ocsptest.NoNextUpdate)
		endless := naive(b.one, leaf)
		b.network.set("one.example", endless)
		b.run()
		time.Sleep(5 * day)
		b.wantState("refreshed", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if got := b.status(leaf); !got.NextUpdate.IsZero() {
			t.Errorf("next_update = %v", got.NextUpdate)
		}
		b.network.set("one.example", says(b.one.DER(leaf)))
		time.Sleep(2*day - time.Hour)
		b.wantState("repeated", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		time.Sleep(2*day + 2*time.Hour) // repetitions count for max_age after thisUpdate
		b.wantState("repeated for ever", leaf, stapler.Stale, ocspsvc.ReasonTooOld)
		if err := b.service.Reconfigure(stapler.Config{RequireNextUpdate: true}, b.network); err != nil {
			t.Fatal(err)
		}
		b.network.set("one.example", endless)
		if _, err := b.service.Refresh(t.Context(), leaf.Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonNoNextUpdate {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAReloadThatRequiresNextUpdateTakesStaplesWithoutItAway(t *testing.T) { // C13
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		endless, other := leaves[0], leaves[1]
		unbounded := ocsptest.NewResponder(t, b.ca)
		unbounded.Set(ocsptest.NoNextUpdate)
		fetch := func(r *ocsptest.Responder) stapler.Fetcher {
			return stapler.FetcherFunc(func(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
				if leaf.Equal(endless.Cert) {
					return naive(r, endless).Fetch(ctx, leaf, issuer)
				}
				return b.one.Fetch(ctx, leaf, issuer)
			})
		}
		require := func(on bool, f stapler.Fetcher) {
			t.Helper()
			if err := b.service.Reconfigure(stapler.Config{RequireNextUpdate: on}, f); err != nil {
				t.Fatal(err)
			}
		}
		require(false, fetch(unbounded))
		b.run()
		time.Sleep(5 * time.Second)
		b.wantState("not required", endless, stapler.Fresh, ocspsvc.ReasonGood)

		require(true, fetch(unbounded))
		b.wantState("required", endless, stapler.Stale, ocspsvc.ReasonNoNextUpdate)
		b.wantState("required, the other", other, stapler.Fresh, ocspsvc.ReasonGood)
		if n := len(b.book.Find(slog.LevelWarn, "staple has ended")); n != 1 {
			t.Errorf("%d warnings", n)
		}
		time.Sleep(5 * time.Second)
		b.wantState("asked again", endless, stapler.Stale, ocspsvc.ReasonNoNextUpdate)

		require(false, down)
		b.wantState("not required any more", endless, stapler.Fresh, ocspsvc.ReasonGood)
		require(true, fetch(b.one))
		time.Sleep(5 * time.Second)
		b.wantState("with nextUpdate", endless, stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestARevocationWithoutNextUpdateOutlivesARestartThatRequiresIt(t *testing.T) { // V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		b.network.set("one.example", says(revokedForEver(t, b.ca, leaf)))
		b.run()
		time.Sleep(5 * time.Second)
		b.wantState("revoked", leaf, stapler.None, ocspsvc.ReasonRevoked)
		b.cfg.RequireNextUpdate = true
		b.restart()
		b.load()
		b.wantState("after the restart", leaf, stapler.None, ocspsvc.ReasonRevoked)
	})
}

// revokedForEver is a response without nextUpdate.
func revokedForEver(t *testing.T, ca *ocsptest.CA, leaf *ocsptest.Leaf) []byte {
	t.Helper()
	id, err := ocspsvc.NewCertID(leaf.Cert, ca.Cert, crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	single := ocspsvc.Single{CertID: id, Status: ocspsvc.Revoked, RevokedAt: now, ThisUpdate: now}
	response, err := ocspsvc.Template{Singles: []ocspsvc.Single{single}, ProducedAt: now}.Sign(ca.Cert, ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	return response.Raw
}
