package crl_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
)

// What is stored needs no server: a certificate that comes back while its
// server is down and left alone for that.
func TestANewcomerIsJudgedByTheStoredListThoughItsServerIsDown(t *testing.T) { // V2, V3
	synctest.Test(t, func(t *testing.T) {
		b, leaf := stored(t)
		b.catalog.remove(leaf)
		b.leaf(at(url1 + "?other"))
		b.run()
		time.Sleep(5 * time.Hour)
		b.settle()
		b.catalog.put(leaf)
		b.watcher.Sync()
		b.settle()
		b.wants("back", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		if got := b.status(leaf); got.LastError != "" {
			t.Errorf("a server that is left alone was asked: %s", got.LastError)
		}
	})
}
