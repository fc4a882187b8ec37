package crl_test

import (
	"crypto/x509"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

func TestListsAreReadOverHTTPSFromServersThatAreTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		trusted bool
		want    ocspsvc.Reason
	}{"trusted": {true, ocspsvc.ReasonGood}, "not trusted": {false, ocspsvc.ReasonUnreachable}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{})
				leaf := b.leaf(at("https://one.example/ca.crl"))
				web := ocsptest.NewCA(t)
				b.network.ServeTLS("8.8.8.8:443", web.Leaf(t, ocsptest.Names("one.example")).TLS(), b.one)
				roots := x509.NewCertPool()
				if c.trusted {
					roots = web.Pool()
				}
				w, err := crl.New(b.cfg, b.catalog, b.network.guard(), b.disk, b.catalog, b.book.Log, crl.WithRoots(roots))
				if err != nil {
					t.Fatal(err)
				}
				b.watcher = w
				b.run()
				b.settle()
				if s := b.status(leaf); s.Reason != c.want {
					t.Errorf("status = %+v", s)
				}
			})
		})
	}
}

func TestAStoredListFromTheFutureIsReadAgainAtOnceAndStandsInNobodysWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf, other := b.leaf(), b.leaf()
		b.run()
		b.settle()
		b.stop()
		list := newListing(b.ca, leaf)
		list.this, list.next, list.number = time.Now().Add(30*day), time.Now().Add(60*day), 1000
		b.disk.change(func([]byte) []byte { return crl.RecordAt(url1, list.der(t), time.Now().Add(30*day)) })
		b.restart()
		b.load()
		b.wants("the clock was stepped back", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("who is not listed", other, crl.None, ocspsvc.ReasonNotYetValid)
		b.run()
		synctest.Wait()
		b.wants("after a list of today", other, crl.Good, ocspsvc.ReasonGood)
		b.wants("lifted by nothing newer", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestCertificatesThatCannotBeReadAreMalformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		chain := [][]byte{[]byte("hello")}
		b.catalog.set(crl.Certificate{Fingerprint: fingerprint(chain[0]), Chain: chain})
		b.watcher.Sync()
		if s := b.watcher.Status(fingerprint(chain[0])); s.State != crl.None || s.Reason != ocspsvc.ReasonMalformed || s.LastError == "" {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestUnreadableCertificatesInAChainAreNoIssuers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.ca.Leaf(t, at(url1))
		b.catalog.set(crl.Certificate{Fingerprint: leaf.Fingerprint(), Chain: [][]byte{leaf.Cert.Raw, []byte("hello"), b.ca.Root.Cert.Raw, b.ca.Cert.Raw}})
		b.run()
		synctest.Wait()
		b.wants("the issuer is last", leaf, crl.Good, ocspsvc.ReasonGood)
	})
}
