package stapler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

// What is stored needs no responder: a certificate that comes, or comes back,
// while its responder is down and left alone for that.
func TestANewcomerHasWhatIsStoredForItThoughItsResponderIsDown(t *testing.T) { // S1, S5, V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t), plain()(t))
		good, revoked := leaves[1], leaves[2]
		b.catalog.remove(good)
		b.catalog.remove(revoked)
		b.network.set("one.example", down)
		b.run()
		time.Sleep(5 * time.Hour)
		b.disk.write(t, respstore.Record{Leaf: good.Fingerprint(), Response: answer{}.sign(t, b.ca, good), LastRefresh: time.Now(), NotAfter: good.Cert.NotAfter})
		b.disk.write(t, respstore.Record{Leaf: revoked.Fingerprint(), Response: answer{status: ocspsvc.Revoked}.sign(t, b.ca, revoked), LastRefresh: time.Now(), NotAfter: good.Cert.NotAfter})
		asked := b.network.count()
		b.catalog.put(good, revoked)
		b.service.Sync()
		synctest.Wait()
		b.wantState("good", good, stapler.Fresh, ocspsvc.ReasonGood)
		b.wantState("revoked", revoked, stapler.None, ocspsvc.ReasonRevoked)
		if !b.catalog.isRevoked(revoked) {
			t.Error("the catalog was not told")
		}
		if n := b.network.count() - asked; n != 0 {
			t.Errorf("a responder that is left alone was asked %d times", n)
		}
	})
}

// What is stored plans the next round for now where it is past half-life: the
// worker must not begin that before the look into storage has ended.
func TestARoundBeginsAfterTheLookIntoStorageHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{Pace: -1})
		leaves := several(t, b.ca, 100, url1)
		for _, l := range leaves {
			aging := answer{this: -6 * day, next: day}.sign(t, b.ca, l)
			b.disk.write(t, respstore.Record{Leaf: l.Fingerprint(), Response: aging, LastRefresh: time.Now(), NotAfter: l.Cert.NotAfter})
		}
		b.run()
		for _, l := range leaves {
			b.catalog.put(l)
			for range 20 {
				b.service.Sync() // wakes the worker
			}
			synctest.Wait()
		}
		if n := b.catalog.serving(leaves); n != len(leaves) {
			t.Errorf("%d of %d are stapled", n, len(leaves))
		}
	})
}
