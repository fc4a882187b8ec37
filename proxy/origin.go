package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/quic-go/quic-go"

	"dwaar/proxy/match"
	"dwaar/proxy/tlspolicy"
)

// origin is what a TLS connection was made for. Its requests may be for other
// hosts: clients reuse connections for every host of the certificate (RFC 9113
// §9.1.1), and attackers for any.
type origin struct {
	host   string            // the SNI, or the name that was assumed
	quic   bool              // over HTTP/3
	policy *tlspolicy.Policy // under which the handshake was made
}

// originKey finds the origin in the context of a handshake, which fills it, and
// of the requests on its connection.
type originKey struct{}

func originOf(ctx context.Context) *origin {
	o, _ := ctx.Value(originKey{}).(*origin)
	return o
}

// originated carries the origin from the handshake to the server of requests.
type originated struct {
	net.Conn
	origin *origin
}

// withOrigin is http.Server.ConnContext.
func withOrigin(ctx context.Context, conn net.Conn) context.Context {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return ctx
	}
	if under, ok := secured.NetConn().(*originated); ok {
		return context.WithValue(ctx, originKey{}, under.origin)
	}
	return ctx
}

// withQUICOrigin is quic.Transport.ConnContext: there the context of requests is
// that of the handshake.
func withQUICOrigin(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	return context.WithValue(ctx, originKey{}, &origin{quic: true}), nil
}

// policed is base with the policy of the site that each handshake is for.
func policed(base *tls.Config, current *atomic.Pointer[sites]) *tls.Config {
	outer := base.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		config := base
		if base.GetConfigForClient != nil {
			chosen, err := base.GetConfigForClient(hello)
			if err != nil {
				return nil, err
			}
			if chosen != nil {
				config = chosen
			}
		}
		table := current.Load()
		if table == nil || !table.policed || slices.Equal(config.NextProtos, validation) {
			return config, nil
		}
		s, host := table.asked(hello)
		made := originOf(hello.Context())
		if made == nil {
			made = new(origin) // nobody will know it, and admit to no site with a policy
		}
		made.host = host
		switch {
		case s == nil || s.policy == nil:
			return config, nil
		case made.quic && !s.policy.HTTP3():
			return nil, errNoHTTP3
		}
		made.policy = s.policy
		return s.policy.Apply(config), nil
	}
	return outer
}

// validation is the only protocol of a CA's handshake (RFC 8737 §6.2), which
// shows no certificate of a client's and carries no request.
var validation = []string{"acme-tls/1"}

var errNoHTTP3 = errors.New("the TLS options of the site leave HTTP/3 out")

// asked is the site that a handshake is for, nil for none, and the host it was
// found by; all sites of a host have one policy. It is the site whose certificate is shown: that of the name; without
// SNI of the address, or of default_sni.
func (t *sites) asked(hello *tls.ClientHelloInfo) (s *site, host string) {
	host = match.CanonicalHost(hello.ServerName)
	if host == "" {
		if host = localHost(hello.Conn); len(t.exact[host]) == 0 {
			host = t.defaultSNI
		}
	}
	if list := t.under(host); len(list) > 0 {
		return list[0], host
	}
	if len(t.any) > 0 {
		return t.any[0], host
	}
	if list := t.under(t.defaultSNI); len(list) > 0 {
		return list[0], t.defaultSNI
	}
	return nil, ""
}

// localHost is the address that a client connected to, as the host table
// spells it.
func localHost(conn net.Conn) string {
	if conn == nil {
		return ""
	}
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return ""
	}
	return local.Addr().WithZone("").String()
}

// under are the sites of a host, nil if there are none but those for any.
func (t *sites) under(host string) []*site {
	if list := t.exact[host]; len(list) > 0 {
		return list
	}
	_, parent, _ := strings.Cut(host, ".")
	return t.wildcard[parent]
}

// serves reports whether s is a site of host.
func (t *sites) serves(host string, s *site) bool {
	if list := t.under(host); len(list) > 0 {
		return slices.Contains(list, s)
	}
	return slices.Contains(t.any, s)
}

// admits reports whether a request for s may come over its connection: s must
// be a site of the host that the connection was made for, and have the policy
// of its handshake, unless neither has a policy.
func (t *sites) admits(r *http.Request, s *site) bool {
	if !t.policed || r.TLS == nil {
		return true
	}
	made := originOf(r.Context())
	if made == nil {
		return s.policy == nil
	}
	if s.policy == nil && made.policy == nil {
		return true
	}
	return tlspolicy.Same(made.policy, s.policy) && t.serves(made.host, s)
}
