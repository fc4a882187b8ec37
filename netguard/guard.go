package netguard

import (
	"context"
	"net"
	"net/netip"
)

// Config is what an operator may open.
type Config struct {
	// Allow lists what may be dialled although it is blocked: networks
	// (10.20.0.0/16), addresses (10.20.0.7) and host names. A name opens every
	// address it resolves to, and no other name for the same address; it is
	// compared without regard to case and to a final dot.
	Allow []string `json:"allow,omitempty"`
}

// Resolver looks up the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Guard checks URLs and addresses, and dials. It is immutable, may be used
// concurrently, and has no goroutines.
type Guard struct {
	allow    allowed
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// Option replaces a part of a Guard that touches the network.
type Option func(*Guard)

// WithResolver asks r instead of the system's resolver.
func WithResolver(r Resolver) Option { return func(g *Guard) { g.resolver = r } }

// WithDialer connects through dial, which only ever sees literal addresses
// that passed the guard.
func WithDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return func(g *Guard) { g.dial = dial }
}

// New makes a Guard, or names every entry of cfg.Allow that is neither a
// network, an address nor a host name.
func New(cfg Config, opts ...Option) (*Guard, error) {
	allow, err := parseAllow(cfg.Allow)
	if err != nil {
		return nil, err
	}
	g := &Guard{allow: allow, resolver: net.DefaultResolver, dial: new(net.Dialer).DialContext}
	for _, opt := range opts {
		opt(g)
	}
	return g, nil
}
