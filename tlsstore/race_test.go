package tlsstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"dwaar/tlsstore"
)

// Whatever changes while clients connect, a staple is only ever seen with its own leaf.
func TestEveryHandshakesStapleIsOfItsLeaf(t *testing.T) {
	c := newCA(t)
	a, b := c.leaf("a.example"), c.leaf("a.example")
	dir := t.TempDir()
	cert, key := plain(t)(dir, a)
	fromFiles := func() *tlsstore.Pair {
		pair, err := tlsstore.LoadPair(cert, key)
		if err != nil {
			return a.pair(t) // half-written
		}
		return pair
	}
	var log logbook
	s := newLoggedStore(t, log.logger(), tlsstore.Config{}, on(fromFiles(), "a.example"))
	ctx, cancel := context.WithCancel(t.Context())
	var others, clients sync.WaitGroup
	forever := func(do func(n int)) {
		others.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				do(n)
			}
		})
	}
	others.Go(func() { s.Run(ctx) })
	s.OnUnstapled(func([32]byte) {})
	forever(func(n int) {
		i := []issued{a, b}[n%2]
		s.Attach(i.fingerprint(), i.staple("x"))
		if n%7 == 0 {
			s.Attach(i.fingerprint(), nil)
		}
		s.SetRevoked(i.fingerprint(), n%11 == 0)
	})
	forever(func(n int) {
		pairs := []*tlsstore.Pair{a.pair(t), b.pair(t), fromFiles()}
		s.Apply([]tlsstore.Binding{on(pairs[n%3], "a.example"), on(pairs[(n+1)%3], "a.example")})
		s.Status()
	})
	forever(func(n int) {
		plain(t)(dir, []issued{a, b}[n%2])
		time.Sleep(700 * time.Millisecond) // real time: the files are polled by it
	})
	config := s.TLSConfig(":443", nil)
	for range 4 {
		clients.Go(func() {
			for n := range 150 {
				cs, err := client{sni: "a.example", version: versions[[]string{"TLS 1.2", "TLS 1.3"}[n%2]]}.dial(config)
				if err != nil && err.Error() != unrecognizedName {
					t.Error(err)
				} else if err == nil {
					if err := ofLeaf(cs); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	clients.Wait()
	cancel()
	others.Wait()
}
