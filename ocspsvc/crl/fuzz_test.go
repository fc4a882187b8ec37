package crl_test

import (
	"bytes"
	"math/big"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

// FuzzRead wants that reading never panics, that every refusal has its word,
// that no list is much larger in memory than it was, and that only DER is read.
func FuzzRead(f *testing.F) {
	ca := ocsptest.NewCA(f)
	leaf := ca.Leaf(f, ocsptest.Serial(5))
	seed := func(change func(*listing)) {
		l := newListing(ca, leaf)
		change(l)
		f.Add(l.der(f))
	}
	seed(func(*listing) {})
	seed(func(l *listing) { l.idp(pointName(url1, url2), userOnly, someReasons) })
	seed(func(l *listing) { l.version, l.entries[0].reason = 0, 0 })
	seed(func(l *listing) { l.entries = append(l.entries, hold(leaf, ocspsvc.RemoveFromCRL)...) })
	seed(func(l *listing) { l.next = time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC) })
	seed(func(l *listing) { l.with(oidNobodyKnows, nil) })
	f.Add(toPEM(newListing(ca, leaf).der(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := crl.Read(data, ca.Cert); err != nil && ocspsvc.ReasonOf(err) == "" {
			t.Errorf("error without reason: %v", err)
		}
		list, err := crl.ReadUnverified(data)
		if err != nil {
			if ocspsvc.ReasonOf(err) == "" {
				t.Errorf("error without reason: %v", err)
			}
			return
		}
		if list.Bytes() > 2*len(data) || list.Len() > len(data) {
			t.Errorf("%d entries in %d bytes out of %d", list.Len(), list.Bytes(), len(data))
		}
		list.Find(big.NewInt(5))
		if _, err := crl.ReadUnverified(append(bytes.Clone(data), 0)); err == nil && data[0] == 0x30 {
			t.Error("a trailing octet is accepted")
		}
	})
}

// FuzzPoints wants that no distribution points of a certificate are too much.
func FuzzPoints(f *testing.F) {
	f.Add(seq(seq(pointName(url1, url2))))
	f.Add(seq(seq(pointName(url1), tlv(0x81, []byte{6, 0x40})), seq(pointName(url2), tlv(0xa2, tlv(0xa4, seq())))))
	f.Add(seq(seq(tlv(0xa0, tlv(0xa1)))))
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, url := range crl.URLs(value) {
			if len(url) > len(value) {
				t.Errorf("%q out of %x", url, value)
			}
		}
	})
}
