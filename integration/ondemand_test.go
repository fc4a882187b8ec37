package integration

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
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
	h.saysOnDemand(serve(t, who.ServeHTTP))
	h.Start()
	return h, who
}

// saysOnDemand writes a Dwaarfile with one site for whatever names ask permits.
func (c *customer) saysOnDemand(ask string, global ...string) {
	c.t.Helper()
	global = append(global, "on_demand_tls {\n\t\task "+ask+"\n\t}")
	c.says(strings.Join(global, "\n\t"), "https:// {\n\ttls {\n\t\ton_demand\n\t}\n\trespond hi\n}\n")
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
	disk, requests := files(t, h.Data), h.requests()
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
	if n := h.requests(); n != requests {
		t.Errorf("on demand: refused names cost %d requests to the CA", n-requests)
	}
	if now := files(t, h.Data); !maps.Equal(now, disk) {
		t.Errorf("on demand: refused names changed the disk: %v, was %v", now, disk)
	}
}

// requests counts what the CA was asked, but for the questions when to renew.
func (c *customer) requests() int {
	return c.CA.Requests("/") - c.CA.Requests("/draft-ietf-acme-ari-03/renewalInfo/")
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

// A client that goes away does not end the order, which is there for the next one.
func TestAnOrderOutlivesItsClient(t *testing.T) {
	t.Parallel()
	h, _ := newShop(t)
	raw := must(t)(net.Dial("tcp4", h.Addr())).(net.Conn)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		wait.Until(t, soon, "on demand: an order", func() error {
			if len(h.CA.Orders()) == 0 {
				return errNotYet
			}
			return nil
		})
		leave()
	}()
	if err := tls.Client(raw, &tls.Config{ServerName: "slow.customers.test", RootCAs: h.CA.Pool()}).HandshakeContext(ctx); err == nil {
		t.Error("the client got its certificate; the test has lost its subject")
	}
	_ = raw.Close()
	h.shake("on demand: the next client", "slow.customers.test")
	h.orders("on demand: two clients, one after the other", 1)
}

// S6: a certificate that was got on demand is stapled like any other.
func TestACertificateOnDemandIsStapled(t *testing.T) {
	t.Parallel()
	addr := fmt.Sprintf("127.0.0.1:%d", wait.Port(t))
	h, who := newCustomer(t, pebble.Config{OCSP: "http://" + addr}), &asked{}
	responder.NewAt(t, h.CA.Issuer(), addr)
	h.saysOnDemand(serve(t, who.ServeHTTP))
	h.Start()
	h.shake("on demand", "a.customers.test")
	wait.Until(t, soon, "S6: a staple for a certificate on demand", func() error {
		return h.shake("S6", "a.customers.test").GoodStaple()
	})
	staple := must(t)(h.Certificate("a.customers.test")).(dwaar.Certificate).Staple
	if staple.State != "fresh" || staple.Reason != "good" {
		t.Errorf("S6: status %+v, want fresh and good", staple)
	}
}

// An ask URL that does not answer refuses, and permits again when it does.
func TestAnAskURLThatIsDownRefuses(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.saysOnDemand("http://127.0.0.1:1/")
	h.Start()
	if _, err := h.try("a.customers.test"); err == nil {
		t.Error("on demand: a certificate without permission")
	}
	if n := h.CA.Requests("/"); n != 0 {
		t.Errorf("on demand: a name without permission cost %d requests to the CA", n)
	}
	h.awaitLog("on demand: the ask URL is down", "WARN", "on-demand certificate is not to be had", "the ask URL did not answer")
}
