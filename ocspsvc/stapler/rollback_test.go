package stapler_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

// On hold, released, revoked for good: who replays the first two, all still in
// time, must not get the second one stapled.
func TestAReplayedOlderRevocationDoesNotClearTheWayForAnOlderGood(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		hold := answer{status: ocspsvc.Revoked, this: -3 * time.Hour}.sign(t, b.ca, leaf)
		released := answer{this: -2 * time.Hour}.sign(t, b.ca, leaf)
		forGood := answer{status: ocspsvc.Revoked, this: -time.Hour}.sign(t, b.ca, leaf)
		b.network.set("one.example", says(forGood))
		b.run()
		synctest.Wait()
		for i, replayed := range [][]byte{hold, released} {
			b.network.set("one.example", says(replayed))
			if _, err := b.service.Refresh(t.Context(), leaf.Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonTooOld {
				t.Errorf("replay %d: err = %v", i, err)
			}
			b.wantState("after a replay", leaf, stapler.None, ocspsvc.ReasonRevoked)
		}
		b.stop()
		b.network.set("one.example", says(released))
		b.restart()
		b.run()
		synctest.Wait()
		b.wantState("the release, after a restart", leaf, stapler.None, ocspsvc.ReasonRevoked)
	})
}

// A full disk takes no revocation; what it has must not be stapled after a
// restart.
func TestARevocationThatCannotBeStoredLeavesNoStoredStaple(t *testing.T) { // S4, S14, V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.run()
		synctest.Wait()
		b.wantState("before", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		b.disk.setBroken(errors.New("no space left on device"))
		b.one.Set(ocsptest.Revoked)
		if _, err := b.service.Refresh(t.Context(), leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		b.stop()
		b.network.set("one.example", down)
		b.load()
		if b.catalog.serves(leaves[0]) {
			t.Error("a restart staples what was revoked before")
		}
	})
}

func TestARevocationThatIsStoredSurvivesAFullDisk(t *testing.T) { // S14, V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.one.Set(ocsptest.Revoked)
		b.run()
		synctest.Wait()
		b.disk.setBroken(errors.New("no space left on device"))
		time.Sleep(day)
		b.stop()
		b.network.set("one.example", down)
		b.load()
		b.wantState("after a restart", leaves[0], stapler.None, ocspsvc.ReasonRevoked)
	})
}

// A round that ends after its certificate has left and come back knows less
// than what was learned meanwhile.
func TestARoundOfACertificateThatLeftDoesNotOverwriteWhatIsStored(t *testing.T) { // S4, V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		good, late := answer{this: -time.Hour}.sign(t, b.ca, leaf), make(chan struct{})
		b.network.set("one.example", stapler.FetcherFunc(func(ctx context.Context, l, i *x509.Certificate) (*ocspsvc.Response, error) {
			<-late
			return says(good).Fetch(ctx, l, i)
		}))
		b.run()
		synctest.Wait()
		b.catalog.remove(leaf)
		b.service.Sync()
		b.catalog.put(leaf)
		b.service.Sync()
		b.network.set("one.example", says(answer{status: ocspsvc.Revoked}.sign(t, b.ca, leaf)))
		if _, err := b.service.Refresh(t.Context(), leaf.Fingerprint()); err != nil {
			t.Fatal(err)
		}
		close(late)
		synctest.Wait()
		b.wantState("after both", leaf, stapler.None, ocspsvc.ReasonRevoked)
		b.stop()
		b.network.set("one.example", down)
		b.load()
		b.wantState("after a restart", leaf, stapler.None, ocspsvc.ReasonRevoked)
	})
}

// A disk hangs while it takes a good answer, and is back after the revocation
// that followed.
func TestADiskThatIsBackHasTheRevocationAndNotTheGoodFromBefore(t *testing.T) { // S14, V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		hang := make(chan struct{})
		b.disk.written = func(string) { <-hang }
		b.run()
		time.Sleep(time.Minute)
		b.wantState("before", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		b.one.Set(ocsptest.Revoked)
		if _, err := b.service.Refresh(t.Context(), leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		close(hang)
		synctest.Wait()
		b.stop()
		b.network.set("one.example", down)
		b.load()
		b.wantState("after a restart", leaves[0], stapler.None, ocspsvc.ReasonRevoked)
	})
}
