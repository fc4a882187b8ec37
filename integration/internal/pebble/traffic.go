package pebble

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// traffic is what the CA has been asked, and the fault that answers in its place.
type traffic struct {
	fault atomic.Pointer[Fault]

	mu     sync.Mutex
	orders []Order
	keys   map[string]bool // of accounts, as they came
	paths  map[string]int
}

// Fault answers a request in Pebble's place, or returns false and leaves it to Pebble.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Order is what a newOrder request said.
type Order struct {
	Names    []string
	Replaces string // the ARI identifier (RFC 9773 §5), empty if none
}

// Behave switches the fault for the requests to come; nil ends it.
func (p *Pebble) Behave(f Fault) { p.traffic.fault.Store(&f) }

// Refuse is a Fault: requests whose path begins so get an ACME problem of this kind.
func Refuse(path string, status int, kind string) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, path) {
			return false
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"type": "urn:ietf:params:acme:error:" + kind, "detail": "the test says so", "status": status,
		})
		return true
	}
}

// Hang is a Fault: requests whose path begins so are taken and never answered.
func Hang(path string) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, path) {
			return false
		}
		<-r.Context().Done()
		return true
	}
}

// Orders is every newOrder request so far, refused ones included.
func (p *Pebble) Orders() []Order {
	p.traffic.mu.Lock()
	defer p.traffic.mu.Unlock()
	return append([]Order(nil), p.traffic.orders...)
}

// Requests counts the requests whose path begins so: "/" is all of them, "/sign-me-up" new
// accounts, "/order-plz" new orders, "/finalize-order/" certificates asked for.
func (p *Pebble) Requests(path string) int {
	p.traffic.mu.Lock()
	defer p.traffic.mu.Unlock()
	n := 0
	for asked, times := range p.traffic.paths {
		if strings.HasPrefix(asked, path) {
			n += times
		}
	}
	return n
}

// AccountKeys counts the keys that accounts were asked for with. One is what a client has
// that never loses its key.
func (p *Pebble) AccountKeys() int {
	p.traffic.mu.Lock()
	defer p.traffic.mu.Unlock()
	return len(p.traffic.keys)
}

// ServeHTTP notes a request and hands it to the fault or to Pebble.
func (p *Pebble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the client went away
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.traffic.note(r.URL.Path, body)
	if fault := p.traffic.fault.Load(); fault != nil && *fault != nil && (*fault)(w, r) {
		return
	}
	if r.URL.Path == "/order-plz" {
		p.knowAs(orderOf(body).Replaces)
	}
	if p.servesWithCRL(r) {
		p.serveWithCRL(w, r)
		return
	}
	p.front.ServeHTTP(w, r)
}

func (t *traffic) note(path string, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paths == nil {
		t.paths, t.keys = map[string]int{}, map[string]bool{}
	}
	t.paths[path]++
	switch path {
	case "/order-plz":
		t.orders = append(t.orders, orderOf(body))
	case "/sign-me-up":
		t.keys[keyOf(body)] = true
	}
}

// keyOf reads the public key that a JWS came with, as JSON.
func keyOf(body []byte) string {
	var jws struct{ Protected string }
	_ = json.Unmarshal(body, &jws)
	protected, _ := base64.RawURLEncoding.DecodeString(jws.Protected)
	var header struct{ JWK json.RawMessage }
	_ = json.Unmarshal(protected, &header)
	return string(header.JWK)
}

// orderOf reads the payload of a JWS; one that cannot be read is an empty order.
func orderOf(body []byte) Order {
	var jws struct{ Payload string }
	_ = json.Unmarshal(body, &jws)
	payload, _ := base64.RawURLEncoding.DecodeString(jws.Payload)
	var said struct {
		Identifiers []struct{ Value string }
		Replaces    string
	}
	_ = json.Unmarshal(payload, &said)
	order := Order{Replaces: said.Replaces}
	for _, id := range said.Identifiers {
		order.Names = append(order.Names, id.Value)
	}
	return order
}
