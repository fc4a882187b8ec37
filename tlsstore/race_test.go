package tlsstore_test

import (
	"context"
	"crypto/tls"
	"slices"
	"sync"
	"testing"
	"time"

	"dwaar/tlsstore"
)

// Whatever changes while clients connect, a staple is only ever seen with its own leaf.
func TestEveryHandshakesStapleIsOfItsLeaf(t *testing.T) {
	c := newCA(t)
	leaves := []issued{c.leaf("a.example"), c.leaf("a.example")}
	pairs := []*tlsstore.Pair{leaves[0].pair(t), leaves[1].pair(t)}
	dir := t.TempDir()
	cert, key := plain(t)(dir, leaves[0])
	fromFiles, err := tlsstore.LoadPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("DuringReloads", func(t *testing.T) {
		s := newStore(t, tlsstore.Config{}, on(pairs[0], "a.example"))
		underLoad(t, s, leaves, func(n int) {
			apply(t, s, on(pairs[n%2], "a.example"), on(pairs[(n+1)%2], "a.example"))
			s.Status()
		})
	})
	t.Run("WhileFilesChange", func(t *testing.T) {
		var log logbook
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, on(fromFiles, "a.example"))
		underLoad(t, s, leaves, func(n int) {
			plain(t)(dir, leaves[(n+1)%2])
			tlsstore.Poll(s, t.Context())
		})
		if log.count("certificate files have changed") == 0 {
			t.Error("no change was taken in; the test has lost its subject")
		}
	})
}

// underLoad checks handshakes while change goes on and staples and revocations come and go.
func underLoad(t *testing.T, s *tlsstore.Store, leaves []issued, change func(n int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var others, clients sync.WaitGroup
	forever := func(do func(n int)) {
		others.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				do(n)
				time.Sleep(time.Millisecond) // leaves the handshakes some of the processor
			}
		})
	}
	forever(change)
	forever(func(n int) {
		i := leaves[n%2]
		s.Attach(i.fingerprint(), i.staple("x"))
		if n%7 == 0 {
			s.Attach(i.fingerprint(), nil)
		}
		s.SetRevoked(i.fingerprint(), n%11 == 0)
	})
	config := s.TLSConfig(":443", nil)
	for _, version := range slices.Repeat([]uint16{tls.VersionTLS12, tls.VersionTLS13}, 2) {
		clients.Go(func() {
			for range 100 {
				cs, err := client{sni: "a.example", version: version}.dial(config)
				if err == nil {
					err = ofLeaf(cs)
				} else if err.Error() == unrecognizedName {
					err = nil
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	cancel()
	others.Wait()
}
