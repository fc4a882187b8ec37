package client_test

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
	"dwaar/ocspsvc/client"
)

// network is a whole Internet in memory, fit for a synctest bubble: names,
// addresses, and HTTP servers on pipes.
type network struct {
	t     *testing.T
	names map[string][]netip.Addr

	mu      sync.Mutex
	servers map[string]*pipeListener // by address and port
	silent  map[string]bool          // addresses that drop every packet
	dialled []string
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, names: map[string][]netip.Addr{}, servers: map[string]*pipeListener{}, silent: map[string]bool{}}
}

// name gives a host its addresses; without any, nobody answers for the name.
func (n *network) name(host string, addrs ...string) {
	n.names[host] = n.names[host][:len(n.names[host]):len(n.names[host])]
	for _, addr := range addrs {
		n.names[host] = append(n.names[host], netip.MustParseAddr(addr))
	}
}

// serve answers at an address and port, over HTTP.
func (n *network) serve(address string, handler http.Handler) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.servers[address] = l
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go server.Serve(l)
	n.t.Cleanup(func() { server.Close() })
}

// mute makes an address that drops every packet.
func (n *network) mute(address string) { n.silent[address] = true }

func (n *network) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	addrs, ok := n.names[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(addrs) == 0 { // a name server that does not answer
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return addrs, nil
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialled = append(n.dialled, address)
	n.mu.Unlock()
	if n.silent[address] {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if l := n.servers[address]; l != nil {
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

// client is a client in this network.
func (n *network) client(cfg client.Config) *client.Client {
	n.t.Helper()
	c, err := client.New(cfg, n.guard(), logger(n.t))
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
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
