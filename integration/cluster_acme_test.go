package integration

import (
	"path/filepath"
	"testing"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/wait"
)

// A6: two dwaars on one storage place one order for a name and both serve what it brought.
// The CA asks the first one's ports, whichever placed the order.
func TestTwoDwaarsOnOneStoragePlaceOneOrder(t *testing.T) {
	t.Parallel()
	a := newCustomer(t, pebble.Config{})
	b := &customer{Server: dwaar.New(t, binaries.Race, binaries.Plain), t: t, CA: a.CA}
	shared := "storage file_system " + filepath.Join(t.TempDir(), "shared")
	for _, c := range []*customer{a, b} {
		c.says(shared, answers("one.test", ""), answers("two.test", ""))
	}
	a.Launch()
	b.Launch()
	for _, name := range []string{"one.test", "two.test"} {
		first := a.served("A6: the first dwaar", name)
		wait.Until(t, 2*soon, "A6: the same certificate for "+name+" at both", func() error {
			second, err := b.try(name)
			if err == nil && !second.Leaf.Equal(first.Leaf) {
				t.Fatalf("A6: the dwaars serve %x and %x", first.Leaf.SerialNumber, second.Leaf.SerialNumber)
			}
			return err
		})
	}
	a.orders("A6: two names at two dwaars", 2)

	// The account is shared, too, and a renewal by one reaches the other with its restart.
	if n := a.CA.Requests("/sign-me-up"); n != 1 {
		t.Errorf("A6: %d requests for an account, want 1", n)
	}
	before := b.shake("A6", "one.test")
	b.Must("certs", "renew", "one.test")
	after := b.servedOther("A6: renewed by the second dwaar", "one.test", before)
	a.Stop()
	a.Start()
	a.stillServed("A6: renewed by the other one", "one.test", after)
	a.orders("A6: and one renewal", 3)
}

// A6: a name that both get on demand at the same moment is ordered once.
func TestTwoDwaarsOnDemandPlaceOneOrder(t *testing.T) {
	t.Parallel()
	for kind, storage := range map[string]func(*testing.T) string{
		"files": func(t *testing.T) string { return "storage file_system " + filepath.Join(t.TempDir(), "shared") },
		"redis": func(t *testing.T) string { return "storage redis " + redisserver.Start(t).URL() },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newCustomer(t, pebble.Config{})
			b := &customer{Server: dwaar.New(t, binaries.Race, binaries.Plain), t: t, CA: a.CA}
			who, shared := &asked{}, storage(t)
			for _, c := range []*customer{a, b} {
				c.saysOnDemand(serve(t, who.ServeHTTP), shared)
				c.Start()
			}
			together(t, "A6: on demand", "x.customers.test", 5, a, b)
			a.orders("A6: on demand at two dwaars", 1)
		})
	}
}
