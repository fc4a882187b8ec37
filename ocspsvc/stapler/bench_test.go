package stapler_test

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

// crowd is n certificates of one CA with stored staples.
func crowd(b *testing.B, n int) (*shelf, *disk, []*ocsptest.Leaf) {
	b.Helper()
	ca, key, files, catalog := ocsptest.NewCA(b), ocsptest.NewKey(b, ocsptest.P256), newDisk(), newShelf()
	responder := ocsptest.NewResponder(b, ca)
	store := respstore.New(files, slog.New(slog.DiscardHandler))
	var leaves []*ocsptest.Leaf
	for i := range n {
		leaf := ca.Leaf(b, ocsptest.OCSP(url1), ocsptest.WithKey(key), ocsptest.Names(fmt.Sprintf("%d.example", i)))
		leaves = append(leaves, leaf)
		record := respstore.Record{Leaf: leaf.Fingerprint(), Response: responder.DER(leaf), LastRefresh: time.Now(), NotAfter: leaf.Cert.NotAfter}
		if err := store.Put(b.Context(), record); err != nil {
			b.Fatal(err)
		}
	}
	catalog.put(leaves...)
	return catalog, files, leaves
}

func loaded(b *testing.B, catalog *shelf, files *disk) *stapler.Service {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := stapler.New(stapler.Config{}, catalog, down, respstore.New(files, log), log)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkLoad is a restart with 10,000 stored staples, all verified again.
func BenchmarkLoad(b *testing.B) {
	catalog, files, _ := crowd(b, 10_000)
	for b.Loop() {
		loaded(b, catalog, files)
	}
}

// BenchmarkMemory reports the bytes that the service and its store need per
// certificate, response included, chain not: that is the catalog's.
func BenchmarkMemory(b *testing.B) {
	catalog, files, leaves := crowd(b, 10_000)
	for b.Loop() {
		before := heap()
		s := loaded(b, catalog, files)
		b.ReportMetric(float64(heap()-before)/float64(len(leaves)), "B/cert")
		runtime.KeepAlive(s)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkStatus(b *testing.B) {
	catalog, files, leaves := crowd(b, 1000)
	s := loaded(b, catalog, files)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Status(leaves[i%1000].Fingerprint())
	}
}

// BenchmarkAsked is what a handshake without a staple costs.
func BenchmarkAsked(b *testing.B) {
	catalog, files, leaves := crowd(b, 1)
	s, leaf := loaded(b, catalog, files), leaves[0].Fingerprint()
	b.ReportAllocs()
	for b.Loop() {
		s.Asked(leaf)
	}
}

// BenchmarkKeeper is what a stapled handshake costs in a Keeper.
func BenchmarkKeeper(b *testing.B) {
	ca := ocsptest.NewCA(b)
	responder := ocsptest.NewResponder(b, ca)
	keeper, err := stapler.NewKeeper(stapler.KeeperConfig{}, responder, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	cert := ca.Leaf(b, ocsptest.OCSP(url1)).TLS()
	if err := keeper.Preload(b.Context(), &cert); err != nil {
		b.Fatal(err)
	}
	get := keeper.GetCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil })
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := get(hello); got.OCSPStaple == nil {
			b.Fatal("not stapled")
		}
	}
}
