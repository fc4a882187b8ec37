package crl_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

func TestTheFirstURLThatWorksCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf(at("ldap://ldap.example/cn=ca?certificateRevocationList", "http://nowhere.example/ca.crl", url1, url2))
		b.two.serve(newListing(b.ca).der(t))
		b.run()
		b.settle()
		b.wants("the second", leaf, crl.Good, ocspsvc.ReasonGood)
		if s := b.status(leaf); s.URL != url1 || s.LastError != "" {
			t.Errorf("status = %+v", s)
		}
		if b.two.count() != 0 {
			t.Error("a third was read without need")
		}
		b.network.Unplug("8.8.8.8:80")
		time.Sleep(13 * time.Hour)
		if b.two.count() == 0 {
			t.Error("the third was not read when the second failed")
		}
		time.Sleep(8 * day)
		b.two.serve(newListing(b.ca, leaf).der(t))
		time.Sleep(13 * time.Hour)
		b.wants("by the third", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		if s := b.status(leaf); s.URL != url2 {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestEveryURLThatFailsIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf(at(url1, url2))
		status(404)(b)
		b.two.fault(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		b.run()
		b.settle()
		if s := b.status(leaf); s.Reason != ocspsvc.ReasonHTTPError || s.LastError != url1+": http_error: status 404\n"+url2+": http_error: status 500" {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestTheNewerOfTwoListsCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf(at(url1, url2))
		newer := newListing(b.ca, leaf)
		newer.this = time.Now()
		b.two.serve(newer.der(t))
		older := newListing(b.ca)
		older.this = time.Now().Add(-day)
		b.one.serve(older.der(t))
		b.run()
		b.settle()
		b.wants("by the older", leaf, crl.Good, ocspsvc.ReasonGood)
		status(404)(b)
		time.Sleep(13 * time.Hour)
		b.wants("by the newer", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		b.one.serve(older.der(t))
		time.Sleep(2 * time.Hour)
		b.wants("though the older is back", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestAListOfSomeReasonsRevokesButDoesNotVouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf, revoked := b.leaf(), b.leaf()
		b.one.serve(newListing(b.ca, revoked).idp(someReasons).der(t))
		b.run()
		b.settle()
		b.wants("listed", revoked, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("not listed", leaf, crl.None, ocspsvc.ReasonUnknown)
		if s := b.status(leaf); !strings.HasPrefix(s.LastError, "the list is about some revocation reasons only") {
			t.Errorf("status = %+v", s)
		}
		lifted := newListing(b.ca).idp(someReasons)
		lifted.number, lifted.this = 5, time.Now()
		b.one.serve(lifted.der(t))
		time.Sleep(13 * time.Hour)
		b.wants("no longer listed, which proves nothing", revoked, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestAListOfSomeReasonsIsCompletedByTheNextPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf(at(), pointsAre(seq(pointName(url1), tlv(0x81, []byte{6, 0x40})), seq(pointName(url2))))
		b.one.serve(newListing(b.ca).idp(pointName(url1), someReasons).der(t))
		b.two.serve(newListing(b.ca).idp(pointName(url2)).der(t))
		b.run()
		b.settle()
		b.wants("both", leaf, crl.Good, ocspsvc.ReasonGood)
		if s := b.status(leaf); s.URL != url2 {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestAListOfNamedPointsIsForWhoNamesOneOfThem(t *testing.T) { // RFC 5280 §6.3.3 (b)(2)
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		both := b.leaf(at(url1, url2))
		single := b.leaf()
		own := b.leaf(at(), pointsAre(seq(pointName(url1, "ldap://ldap.example/cn=ca"), tlv(0xa2, tlv(0xa4, b.ca.Cert.RawSubject)))))
		list := newListing(b.ca, both, single, own).idp(pointName("ldap://ldap.example/cn=ca", url2), userOnly)
		b.one.serve(list.der(t))
		b.run()
		b.settle()
		b.wants("names the second", both, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("names the ldap one", own, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("names none", single, crl.None, ocspsvc.ReasonWrongCertificate)
		if b.status(single).ThisUpdate.IsZero() {
			t.Error("the list is not held")
		}
	})
}

func TestTheSameListOfAnotherIssuerIsAnotherFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		other := ocsptest.NewCA(t, ocsptest.Name("other"))
		foreign := other.Leaf(t, at(url1))
		b.catalog.put(foreign)
		b.run()
		b.settle()
		b.wants("of the issuer", leaf, crl.Good, ocspsvc.ReasonGood)
		b.wants("of another", foreign, crl.None, ocspsvc.ReasonWrongCertificate)
	})
}

func TestOfTwoListsOfTheSameTimeTheOneThatRevokesCounts(t *testing.T) {
	for name, revokes := range map[string]int{"the first": 0, "the second": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{})
				leaf := b.leaf(at(), pointsAre(seq(pointName(url1)), seq(pointName(url2))))
				b.one.serve(newListing(b.ca).der(t))
				b.two.serve(newListing(b.ca).der(t))
				[]*crlServer{b.one, b.two}[revokes].serve(newListing(b.ca, leaf).der(t))
				b.run()
				b.settle()
				status(404)(b) // so that the second is read too
				time.Sleep(13 * time.Hour)
				b.wants("both are held", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
			})
		})
	}
}
