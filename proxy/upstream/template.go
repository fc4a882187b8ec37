package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"dwaar/proxy/placeholder"
)

// mostTargets is how many addresses one upstream with placeholders keeps
// connections to. The one that was not asked for longest gives way.
const mostTargets = 256

// template is an upstream whose address has placeholders: which server is
// meant, each request says. What is known about a server, its connections and
// its failures, is known by its address and lasts until a reload.
type template struct {
	address Address          // without Dial
	text    placeholder.Text // host and port
	local   bool             // no host is written, so it is this machine
	port    string           // if none is written
	schemed bool             // the scheme is written

	transport Transport
	targets   *lru.Cache[Address, *server]
	make      func(Address) (*server, error)
}

// isTemplate reports whether an upstream is written with placeholders.
func isTemplate(written string) bool { return strings.Contains(written, "{") }

// parseTemplate reads an upstream with placeholders. They may stand for the
// host, the port, or parts of them, never for a scheme or a socket.
func parseTemplate(written string) (*template, error) {
	t := &template{address: Address{Network: "tcp"}, port: "80"}
	rest := written
	if after, ok := strings.CutPrefix(written, "https://"); ok {
		rest, t.address.TLS, t.port = after, true, "443"
	} else if after, ok := strings.CutPrefix(written, "http://"); ok {
		rest = after
	} else if after, ok := strings.CutPrefix(written, "h2c://"); ok {
		rest, t.address.H2C = after, true
	} else if strings.HasPrefix(written, "unix/") || strings.Contains(written, "://") {
		return nil, fmt.Errorf("reverse_proxy: upstream %q: placeholders may stand for a host and a port only", written)
	}
	var err error
	if t.text, err = placeholder.Compile(rest); err != nil {
		return nil, fmt.Errorf("reverse_proxy: upstream %q: %w", written, err)
	}
	t.local, t.schemed = strings.HasPrefix(rest, ":"), rest != written
	return t, nil
}

// CheckUpstream says what is wrong with an upstream as a Dwaarfile has it: an
// address that [ParseAddress] reads, or "host:port" with or without http:// or
// https://, with placeholders in host and port.
func CheckUpstream(written string) error {
	if isTemplate(written) {
		_, err := parseTemplate(written)
		return err
	}
	_, err := ParseAddress(written)
	return err
}

// template is the server that stands for all that an upstream with
// placeholders may mean. The lease ends their connections.
func (c Config) template(written string, f files, lease *Lease) (*server, error) {
	t, err := parseTemplate(written)
	if err != nil {
		return nil, err
	}
	t.transport, t.make = c.Transport, c.maker(f)
	t.targets, err = lru.NewWithEvict(mostTargets, func(_ Address, s *server) { s.transport.CloseIdleConnections() })
	if err != nil {
		return nil, err
	}
	lease.atEnd = append(lease.atEnd, t.targets.Purge)
	s := newServer(Address{TLS: t.address.TLS, Network: "tcp", Dial: written}, nil)
	s.state, s.template = newState(nil), t
	return s, nil
}

// maker makes servers whose address is not in the configuration. What is known
// about them belongs to one directive.
func (c Config) maker(f files) func(Address) (*server, error) {
	return func(a Address) (*server, error) {
		settings, err := c.settings(a, f)
		if err != nil {
			return nil, err
		}
		transport, err := settings.open()
		if err != nil {
			return nil, err
		}
		s := newServer(a, transport)
		s.state, s.most = newState(c.PassiveHealth), c.mostRequests()
		if c.LoadBalancing != nil && c.LoadBalancing.Policy != nil {
			c.LoadBalancing.Policy.mark(s)
		}
		return s, nil
	}
}

// target is the server that r means. A value that is no host, or none at all,
// means nobody.
func (t *template) target(r *http.Request) (*server, error) {
	written := t.text.Expand(r)
	if strings.HasPrefix(written, ":") && !t.local {
		return nil, errors.New("no host")
	}
	host, port, err := splitHostPort(written, t.port)
	if err != nil {
		return nil, err
	}
	address := t.address
	address.Dial = net.JoinHostPort(strings.ToLower(host), port)
	address = t.transport.apply(address, t.schemed)
	if s, known := t.targets.Get(address); known {
		return s, nil
	}
	s, err := t.make(address)
	if err != nil {
		return nil, err
	}
	s.named = true
	if first, known, _ := t.targets.PeekOrAdd(address, s); known {
		return first, nil
	}
	return s, nil
}
