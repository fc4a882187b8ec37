package crl_test

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"runtime"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

// crowd is a list of n revoked certificates with serials of 16 octets.
func crowd(t testing.TB, ca *ocsptest.CA, n int) ([]byte, []*big.Int) {
	t.Helper()
	l, now := newListing(ca), time.Now()
	var serials []*big.Int
	for i := range n {
		octets := make([]byte, 16)
		_, _ = rand.Read(octets)
		octets[0] = octets[0]&0x3f | 0x40
		serials = append(serials, new(big.Int).SetBytes(octets))
		l.entries = append(l.entries, entry{serial: serials[i], at: now.Add(-time.Duration(i) * time.Second), reason: ocspsvc.Superseded})
	}
	return l.der(t), serials
}

func TestAHundredThousandEntriesTakeLessMemoryThanTheirList(t *testing.T) {
	ca := ocsptest.NewCA(t)
	der, serials := crowd(t, ca, 100_000)
	before := heap()
	list := readOf(t, der, ca)
	kept := float64(heap()-before) / float64(len(serials))
	if kept > 24 || list.Bytes() > 24*len(serials) {
		t.Errorf("%.1f bytes per entry", kept)
	}
	t.Logf("%d bytes of list, %.1f bytes per entry in memory", len(der), kept)
	for i, serial := range serials {
		if e, ok := list.Find(serial); !ok || e.Reason != ocspsvc.Superseded || (i > 0 && e.RevokedAt.After(time.Now())) {
			t.Fatalf("entry %d: %+v, %v", i, e, ok)
		}
		if _, ok := list.Find(new(big.Int).Add(serial, big.NewInt(1))); ok {
			t.Fatalf("the number after entry %d is revoked", i)
		}
	}
	if list.Len() != len(serials) {
		t.Errorf("%d entries", list.Len())
	}
	runtime.KeepAlive(list)
	runtime.KeepAlive(der) // or its end would be counted too
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkRead verifies and reads a list of 100,000 entries.
func BenchmarkRead(b *testing.B) {
	ca := ocsptest.NewCA(b)
	der, serials := crowd(b, ca, 100_000)
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		list, err := crl.Read(der, ca.Cert)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(list.Bytes())/float64(len(serials)), "B/entry")
	}
}

// BenchmarkFind looks for certificates that are good, as most are.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ca := ocsptest.NewCA(b)
			der, serials := crowd(b, ca, n)
			list, err := crl.Read(der, ca.Cert)
			if err != nil {
				b.Fatal(err)
			}
			serial := new(big.Int).Add(serials[0], big.NewInt(1))
			for b.Loop() {
				list.Find(serial)
			}
		})
	}
}
