package server_test

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/tlsstore"
)

// BenchmarkFirstCertificates is what a start with many names costs besides
// getting their certificates, of which 64 at a time are there.
func BenchmarkFirstCertificates(b *testing.B) {
	for _, n := range []int{1000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h, names, pairs := newHouse(b), make([]string, n), make([]*tlsstore.Pair, n)
			key := ocsptest.NewKey(b, ocsptest.P256)
			for i := range names {
				names[i] = fmt.Sprintf("n%d.localhost", i)
				leaf := h.ca.Leaf(b, ocsptest.Names(names[i]), ocsptest.WithKey(key))
				pair, err := tlsstore.ParsePair(leaf.ChainPEM(), leaf.KeyPEM(b))
				if err != nil {
					b.Fatal(err)
				}
				pairs[i] = pair.From(tlsstore.SourceInternal)
			}
			h.writeLocal(b, names...)
			for b.Loop() {
				srv, err := server.New(h.options())
				if err != nil {
					b.Fatal(err)
				}
				var group errgroup.Group
				group.SetLimit(64)
				for i, name := range names {
					group.Go(func() error {
						srv.Succeed(b.Context(), name, pairs[i])
						return nil
					})
				}
				_ = group.Wait()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/name")
		})
	}
}
