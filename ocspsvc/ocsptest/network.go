package ocsptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
)

// Network is a whole Internet in memory, fit for a synctest bubble: names,
// addresses, and HTTP servers on pipes. It is what a guard wants as its resolver,
// and Dial what it wants as its dialer.
type Network struct {
	t testing.TB

	mu      sync.Mutex // guards the rest
	names   map[string][]netip.Addr
	servers map[string]*pipeListener // by address and port
	silent  map[string]bool          // addresses that drop every packet
	dialled []string
}

// NewNetwork is a network with nobody in it.
func NewNetwork(t testing.TB) *Network {
	return &Network{t: t, names: map[string][]netip.Addr{}, servers: map[string]*pipeListener{}, silent: map[string]bool{}}
}

// Name gives a host further addresses; without any, nobody answers for the name.
func (n *Network) Name(host string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[host] = append(slices.Clip(n.names[host]), parsed(addrs)...)
}

// Move gives a host other addresses.
func (n *Network) Move(host string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[host] = parsed(addrs)
}

func parsed(addrs []string) (all []netip.Addr) {
	for _, addr := range addrs {
		all = append(all, netip.MustParseAddr(addr))
	}
	return all
}

// Serve answers at an address and port, over HTTP.
func (n *Network) Serve(address string, handler http.Handler) {
	n.serve(n.listen(address), handler)
}

// ServeTLS is Serve over TLS.
func (n *Network) ServeTLS(address string, cert tls.Certificate, handler http.Handler) {
	n.serve(tls.NewListener(n.listen(address), &tls.Config{Certificates: []tls.Certificate{cert}}), handler)
}

func (n *Network) listen(address string) net.Listener {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers[address] = l
	return l
}

func (n *Network) serve(l net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go server.Serve(l)
	n.t.Cleanup(func() { server.Close() })
}

// Unplug makes a server refuse connections from now on.
func (n *Network) Unplug(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.servers, address)
}

// Mute makes an address that drops every packet.
func (n *Network) Mute(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent[address] = true
}

// LookupNetIP is what a resolver does.
func (n *Network) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	addrs, ok := n.names[host]
	n.mu.Unlock()
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(addrs) == 0 { // a name server that does not answer
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return addrs, nil
}

// Dial connects to an address and port.
func (n *Network) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialled = append(n.dialled, address)
	l, silent := n.servers[address], n.silent[address]
	n.mu.Unlock()
	switch {
	case silent:
		<-ctx.Done()
		return nil, ctx.Err()
	case l == nil:
		return nil, fmt.Errorf("connect %s: connection refused", address)
	}
	return l.connect()
}

// Dials are the addresses that Dial was asked for, in order.
func (n *Network) Dials() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dialled)
}
