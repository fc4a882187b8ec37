package integration

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pebble"
)

// asked is an ask URL that permits the names below customers.test, and what it was asked.
type asked struct {
	mu    sync.Mutex
	names []string
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("domain")
	a.mu.Lock()
	a.names = append(a.names, name)
	a.mu.Unlock()
	if !strings.HasSuffix(name, ".customers.test") {
		http.Error(w, "never heard of it", http.StatusForbidden)
	}
}

// about counts the questions about a name.
func (a *asked) about(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(a.names), func(n string) bool { return n != name }))
}

// newShop is a customer with one site for whatever names its ask URL permits.
func newShop(t *testing.T) (*customer, *asked) {
	t.Helper()
	h, who := newCustomer(t, pebble.Config{}), &asked{}
	h.says("on_demand_tls {\n\t\task "+serve(t, who.ServeHTTP)+"\n\t}", "https:// {\n\ttls {\n\t\ton_demand\n\t}\n\trespond hi\n}\n")
	h.Start()
	return h, who
}

// A name that the ask URL permits gets its certificate in the first handshake that asks for
// it. A second one, and one after a restart with the CA down, asks the CA for nothing.
func TestAPermittedNameIsIssuedInTheHandshake(t *testing.T) {
	t.Parallel()
	h, who := newShop(t)
	first := h.shake("on demand: the first handshake", "a.customers.test")
	h.stillServed("on demand: the second handshake", "a.customers.test", first)
	h.orders("on demand", 1)
	if n := who.about("a.customers.test"); n != 1 {
		t.Errorf("on demand: asked %d times about a.customers.test, want once", n)
	}
	cert, err := h.Certificate("a.customers.test")
	if err != nil || cert.Source != "on_demand" {
		t.Errorf("status: %+v, %v; want source on_demand", cert, err)
	}
	h.Stop()
	h.CA.Down()
	h.Start()
	h.stillServed("on demand: after a restart with the CA down", "a.customers.test", first)
}

// A name that the ask URL refuses costs no request to the CA and no file; nor does a name
// that cannot be one, about which nobody is asked at all.
func TestARefusedNameCostsNothing(t *testing.T) {
	t.Parallel()
	h, who := newShop(t)
	h.shake("on demand", "a.customers.test") // there is an account by now
	disk, requests := files(t, h.Data), h.CA.Requests("/")
	for _, name := range []string{"stranger.test", "stranger.test", "..customers.test", "under_score!.customers.test", strings.Repeat("a", 64) + ".customers.test"} {
		shown, err := client.Target{Addr: h.Addr(), Name: name}.Do()
		if err == nil || !strings.Contains(err.Error(), "remote error: tls: ") {
			t.Errorf("on demand: a handshake for %q: %v, serial %v; want an alert", name, err, shown.Leaf)
		}
	}
	if n := who.about("stranger.test"); n != 1 {
		t.Errorf("on demand: asked %d times about stranger.test, want once for two handshakes", n)
	}
	if n := len(who.names); n != 2 {
		t.Errorf("on demand: asked about %q; want nothing about names that cannot be", who.names)
	}
	if n := h.CA.Requests("/"); n != requests {
		t.Errorf("on demand: refused names cost %d requests to the CA", n-requests)
	}
	if now := files(t, h.Data); !maps.Equal(now, disk) {
		t.Errorf("on demand: refused names changed the disk: %v, was %v", now, disk)
	}
}

// However many ask for a name at once, there is one question and one order, and all of them
// get its certificate.
func TestManyHandshakesMakeOneOrder(t *testing.T) {
	t.Parallel()
	h, who := newShop(t)
	together(t, "on demand", "busy.customers.test", 50, h)
	h.orders("on demand: 50 handshakes", 1)
	if n := who.about("busy.customers.test"); n != 1 {
		t.Errorf("on demand: asked %d times, want once", n)
	}
}

// together makes handshakes for one name at the same time, n at each of the dwaars, and fails
// the test unless all of them show the same certificate.
func together(t *testing.T, promise, name string, n int, dwaars ...*customer) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	serials := map[string]int{}
	for _, c := range dwaars {
		for range n {
			all.Go(func() {
				shown, err := c.try(name)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", promise, err)
					return
				}
				serials[shown.Leaf.SerialNumber.Text(16)]++
			})
		}
	}
	all.Wait()
	if len(serials) != 1 {
		t.Errorf("%s: %d handshakes for %s at the same time showed the serials %v, want one", promise, n*len(dwaars), name, serials)
	}
}

// An ask URL that does not answer refuses, and permits again when it does.
func TestAnAskURLThatIsDownRefuses(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.says("on_demand_tls {\n\t\task http://127.0.0.1:1/\n\t}", "https:// {\n\ttls {\n\t\ton_demand\n\t}\n\trespond hi\n}\n")
	h.Start()
	if _, err := h.try("a.customers.test"); err == nil {
		t.Error("on demand: a certificate without permission")
	}
	if n := h.CA.Requests("/"); n != 0 {
		t.Errorf("on demand: a name without permission cost %d requests to the CA", n)
	}
	h.awaitLog("on demand: the ask URL is down", "WARN", "on-demand certificate is not to be had", "the ask URL did not answer")
}
