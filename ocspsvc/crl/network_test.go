package crl_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"dwaar/netguard"
)

// network is a whole Internet in memory, fit for a synctest bubble: names,
// addresses, and HTTP servers on pipes.
type network struct {
	t     *testing.T
	names map[string][]netip.Addr

	mu      sync.Mutex
	servers map[string]*pipeListener // by address and port
	dialled []string
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, names: map[string][]netip.Addr{}, servers: map[string]*pipeListener{}}
}

// name gives a host its addresses; without any, nobody answers for the name.
func (n *network) name(host string, addrs ...string) {
	n.names[host] = n.names[host][:len(n.names[host]):len(n.names[host])]
	for _, addr := range addrs {
		n.names[host] = append(n.names[host], netip.MustParseAddr(addr))
	}
}

// moves gives a host another address.
func (n *network) moves(host, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[host] = []netip.Addr{netip.MustParseAddr(addr)}
}

// serve answers at an address and port, over HTTP.
func (n *network) serve(address string, handler http.Handler) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	n.servers[address] = l
	n.mu.Unlock()
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go server.Serve(l)
	n.t.Cleanup(func() { server.Close() })
}

// unplug makes a server refuse connections from now on.
func (n *network) unplug(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.servers, address)
}

func (n *network) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
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

func (n *network) dial(_ context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialled = append(n.dialled, address)
	l := n.servers[address]
	n.mu.Unlock()
	if l != nil {
		return l.connect()
	}
	return nil, fmt.Errorf("connect %s: connection refused", address)
}

func (n *network) dials() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.dialled...)
}

// guard guards this network.
func (n *network) guard(allow ...string) *netguard.Guard {
	n.t.Helper()
	g, err := netguard.New(netguard.Config{Allow: allow}, netguard.WithResolver(n), netguard.WithDialer(n.dial))
	if err != nil {
		n.t.Fatal(err)
	}
	return g
}

// pipeListener accepts the far ends of pipes.
type pipeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) connect() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
