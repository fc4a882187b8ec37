package tlsstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

// shelf loads pairs and counts how often.
type shelf struct {
	loads atomic.Int32
	hang  chan struct{} // if set, a load lasts until it is closed, whatever its context says
}

// loadable binds a pair of which only the facts are in memory.
func (s *shelf) loadable(pair *tlsstore.Pair, names ...string) tlsstore.Binding {
	facts := *pair
	facts.Certificate.Certificate, facts.Certificate.PrivateKey = nil, nil
	b := on(&facts, names...)
	b.Load = func(context.Context) (*tlsstore.Pair, error) {
		s.loads.Add(1)
		if s.hang != nil {
			<-s.hang
		}
		return pair, nil
	}
	return b
}

func TestALoadableCertificateIsReadOnceWhileItIsInUse(t *testing.T) {
	c := newCA(t)
	var shelf shelf
	leaves := []issued{c.leaf("a.example"), c.leaf("b.example"), c.leaf("c.example")}
	var bindings []tlsstore.Binding
	for _, i := range leaves {
		bindings = append(bindings, shelf.loadable(i.pair(t), i.leaf.DNSNames[0]))
	}
	s := newStore(t, tlsstore.Config{CacheSize: 2}, bindings...)
	if s.Lookup(":443", "a.example") != nil || s.Status()[0].Chain != nil {
		t.Error("Lookup or Status have loaded a certificate")
	}
	visit := func(i issued, loads int32) {
		t.Helper()
		leaf, staple := shown(t, s, i.leaf.DNSNames[0])
		if !leaf.Equal(i.leaf) || staple == nil || shelf.loads.Load() != loads {
			t.Errorf("%s: staple %q after %d loads, want %d", i.leaf.DNSNames[0], staple, shelf.loads.Load(), loads)
		}
	}
	for _, i := range leaves { // before it is in memory
		s.Attach(i.fingerprint(), i.staple(""))
	}
	visit(leaves[0], 1)
	visit(leaves[0], 1)
	visit(leaves[1], 2)
	visit(leaves[0], 2)
	s.Attach(leaves[1].fingerprint(), leaves[1].staple("no use of b")) // so b is the oldest
	visit(leaves[2], 3)                                                // drops b
	visit(leaves[0], 3)
	apply(t, s, bindings...) // a reload keeps what is in memory
	visit(leaves[0], 3)
	visit(leaves[1], 4)
	visit(leaves[2], 5)
}

func TestManyHandshakesShareOneLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newCA(t).leaf("a.example")
		shelf := shelf{hang: make(chan struct{})}
		s := newStore(t, tlsstore.Config{}, shelf.loadable(i.pair(t), "a.example"))
		var clients sync.WaitGroup
		for range 20 {
			clients.Go(func() {
				if _, err := (client{sni: "a.example"}).dial(s.TLSConfig(":443", nil)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(shelf.hang)
		clients.Wait()
		if n := shelf.loads.Load(); n != 1 {
			t.Errorf("%d loads, want 1", n)
		}
	})
}

func TestAHangingLoadDelaysItsHandshakesOneSecondAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCA(t)
		i, pinned := c.leaf("a.example"), c.leaf("b.example")
		shelf := shelf{hang: make(chan struct{})}
		s := newStore(t, tlsstore.Config{}, shelf.loadable(i.pair(t), "a.example"), on(pinned.pair(t), "b.example"))
		for range 3 {
			began := time.Now()
			_, err := client{sni: "a.example"}.connect(t, s.TLSConfig(":443", nil))
			if took := time.Since(began); err == nil || took != time.Second {
				t.Errorf("%v after %v, want an error after 1s", err, took)
			}
			began = time.Now()
			shown(t, s, "b.example")
			if took := time.Since(began); took != 0 {
				t.Errorf("the other certificate took %v", took)
			}
		}
		if n := shelf.loads.Load(); n != 1 {
			t.Errorf("%d loads at a time, want 1", n)
		}
		close(shelf.hang)
	})
}

func TestALoadThatFailsIsLoggedAndTriedAgain(t *testing.T) {
	c := newCA(t)
	i, other := c.leaf("a.example"), c.leaf("a.example")
	var err error
	pair := &tlsstore.Pair{}
	b := new(shelf).loadable(i.pair(t), "a.example")
	b.Load = func(context.Context) (*tlsstore.Pair, error) { return pair, err }
	for _, failure := range []struct {
		pair *tlsstore.Pair
		err  error
		want string
	}{
		{nil, errors.New("disk on fire"), "disk on fire"},
		{other.pair(t), nil, fmt.Sprintf("found certificate %s in its place", other.pair(t).Serial)},
		{b.Pair, nil, "found neither chain nor key"},
	} {
		pair, err = failure.pair, failure.err
		var log logbook
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, b)
		if _, err := (client{sni: "a.example"}).connect(t, s.TLSConfig(":443", nil)); err == nil || err.Error() != "remote error: tls: internal error" {
			t.Errorf("handshake: %v, want internal error", err)
		}
		want := "loading certificate " + i.pair(t).Serial + ": " + failure.want
		if log.count("reason=load_failed") != 1 || log.count(want) != 1 {
			t.Errorf("log lacks %q:\n%s", want, log.String())
		}
		if _, err := s.Chain(t.Context(), i.fingerprint()); err == nil || err.Error() != want {
			t.Errorf("Chain: %v, want %s", err, want)
		}
		pair, err = i.pair(t), nil
		if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(i.leaf) {
			t.Error("another leaf once it loads")
		}
	}
}

func TestChainIsOfEveryLeafWithoutKeepingIt(t *testing.T) {
	c := newCA(t)
	pinned, loaded := c.leaf("a.example"), c.leaf("b.example")
	var shelf shelf
	s := newStore(t, tlsstore.Config{}, on(pinned.pair(t), "a.example"), shelf.loadable(loaded.pair(t), "b.example"))
	for _, i := range []issued{pinned, loaded} {
		chain, err := s.Chain(t.Context(), i.fingerprint())
		if err != nil || len(chain) != 2 || fingerprint(chain[0]) != i.fingerprint() {
			t.Errorf("chain of %d, %v", len(chain), err)
		}
	}
	if s.Lookup(":443", "b.example") != nil {
		t.Error("Chain keeps the certificate in memory")
	}
	if _, err := s.Chain(t.Context(), tlsstore.Fingerprint{1}); err == nil || !strings.HasSuffix(err.Error(), "00 is not served") {
		t.Errorf("chain of a stranger: %v", err)
	}
}

func TestUnknownNamesLoadNothing(t *testing.T) {
	var shelf shelf
	s := newStore(t, tlsstore.Config{}, shelf.loadable(newCA(t).leaf("a.example").pair(t), "a.example", "*.a.example"))
	for n := range 200 {
		client{sni: fmt.Sprintf("n%d.example", n)}.refused(t, s)
	}
	if n := shelf.loads.Load(); n != 0 {
		t.Errorf("%d loads", n)
	}
}

func TestAPairThatBecomesPinnedStaysInMemory(t *testing.T) {
	c := newCA(t)
	var shelf shelf
	i, other := c.leaf("a.example"), c.leaf("b.example")
	s := newStore(t, tlsstore.Config{CacheSize: 1}, shelf.loadable(i.pair(t), "a.example"))
	shown(t, s, "a.example")
	apply(t, s, on(i.pair(t), "a.example"), shelf.loadable(other.pair(t), "b.example"))
	shown(t, s, "b.example") // takes the only place
	if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(i.leaf) || shelf.loads.Load() != 2 {
		t.Errorf("%d loads, want 2", shelf.loads.Load())
	}
}
