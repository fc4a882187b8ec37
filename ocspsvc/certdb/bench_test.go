package certdb_test

import (
	"crypto/rand"
	"math/big"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// many are certificates with the serials that CAs give.
func many(b *testing.B, n int) []certdb.Certificate {
	b.Helper()
	certs := make([]certdb.Certificate, n)
	for i := range certs {
		octets := make([]byte, 16)
		_, _ = rand.Read(octets)
		octets[0] |= 0x40
		certs[i] = certdb.Certificate{Serial: new(big.Int).SetBytes(octets), Subject: "/CN=host.example.com", Record: responder.Record{Status: ocspsvc.Good, Expires: time.Now()}}
	}
	return certs
}

// BenchmarkAdd is `dwaar ca import` into SQLite, in batches of 5000.
func BenchmarkAdd(b *testing.B) {
	db, err := certdb.Create(b.Context(), certdb.DSN("sqlite:"+b.TempDir()+"/certs.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ca := ocsptest.NewCA(b)
	for b.Loop() {
		b.StopTimer()
		certs := many(b, 5000)
		b.StartTimer()
		if _, err := db.Add(b.Context(), ca.Cert, certs...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(5000*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkRecord finds one of 100,000 rows in SQLite.
func BenchmarkRecord(b *testing.B) {
	db, err := certdb.Create(b.Context(), certdb.DSN("sqlite:"+b.TempDir()+"/certs.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ca, certs := ocsptest.NewCA(b), many(b, 100_000)
	if _, err := db.Add(b.Context(), ca.Cert, certs...); err != nil {
		b.Fatal(err)
	}
	issuer, i := responder.IssuerIDOf(ca.Cert), 0
	for b.Loop() {
		if _, err := db.Record(b.Context(), issuer, certs[i%len(certs)].Serial); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
