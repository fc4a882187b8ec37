package proxy

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/handler"
	"dwaar/proxy/kept"
	"dwaar/proxy/match"
	"dwaar/proxy/tlspolicy"
	"dwaar/proxy/upstream"
)

// Prepared is a configuration that was found to work and holds everything it
// needs, without touching what serves. It must be committed or aborted.
type Prepared struct {
	server   *Server
	config   Config
	lease    *upstream.Lease
	kept     *kept.Lease
	logs     *accesslog.Change
	fronts   map[string]*front
	security map[string]*security         // of TLS listeners
	policies map[string]*tlspolicy.Policy // by what sites say
	bound    map[string]net.Listener
	udp      map[string]*net.UDPConn // for HTTP/3
	settled  atomic.Bool             // committed or aborted

	ocspResponder func(numbers []int) (http.Handler, error) // nil: there is none
	ocspRelay     func(number int) (http.Handler, error)    // nil: there is none
}

// An Option is a collaborator that not every configuration needs.
type Option func(*Prepared)

// WithOCSPResponders sets who answers where a site is an OCSP responder.
func WithOCSPResponders(find func(numbers []int) (http.Handler, error)) Option {
	return func(p *Prepared) { p.ocspResponder = find }
}

// WithOCSPRelays sets who answers where a site is an OCSP relay.
func WithOCSPRelays(find func(number int) (http.Handler, error)) Option {
	return func(p *Prepared) { p.ocspRelay = find }
}

// Prepare checks and compiles cfg, opens its access logs and binds the
// addresses that are not listened on yet. It reports every problem it finds,
// and then has changed nothing. While a Prepared is neither committed nor
// aborted, another Prepare waits.
//
// tlsConfigFor is asked once for each address that begins to serve TLS. What
// it returns must follow later changes by itself; the listener keeps it over
// reloads, so that its session tickets stay valid.
func (s *Server) Prepare(cfg Config, tlsConfigFor func(address string) *tls.Config, options ...Option) (*Prepared, error) {
	s.changing.Lock()
	p := &Prepared{
		server:   s,
		config:   cfg.withDefaults(),
		lease:    s.pools.Lease(),
		kept:     s.shelf.Lease(),
		fronts:   make(map[string]*front),
		security: make(map[string]*security),
		policies: make(map[string]*tlspolicy.Policy),
		bound:    make(map[string]net.Listener),
		udp:      make(map[string]*net.UDPConn),
	}
	for _, set := range options {
		set(p)
	}
	if err := p.prepare(tlsConfigFor); err != nil {
		p.Abort()
		return nil, err
	}
	return p, nil
}

func (p *Prepared) prepare(tlsConfigFor func(string) *tls.Config) error {
	if err := p.config.check(); err != nil {
		return err
	}
	var err error
	if p.logs, err = p.server.logs.Prepare(p.config.logs()); err != nil {
		return err
	}
	var problems []error
	for _, l := range p.config.Listeners {
		f, err := p.compile(l)
		if err != nil {
			problems = append(problems, err)
		}
		p.fronts[l.Address] = f
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	for _, l := range p.config.Listeners {
		problems = append(problems, p.secure(l, tlsConfigFor), p.bind(l))
	}
	return errors.Join(problems...)
}

// compile makes the front of one listener.
func (p *Prepared) compile(l Listener) (*front, error) {
	table := newSites()
	table.defaultSNI = match.CanonicalHost(p.config.DefaultSNI)
	var problems []error
	for _, written := range l.Sites {
		s, err := p.compileSite(written)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", written.name(l), err))
			continue
		}
		for _, host := range written.hosts() {
			if others := table.at(host); len(others) > 0 && !tlspolicy.Same(others[0].policy, s.policy) {
				problems = append(problems, fmt.Errorf("%s: another site of this host has other TLS options, and a handshake cannot tell paths apart", written.name(l)))
			}
			table.add(host, s)
		}
		if written.Proxied && !l.TLS && table.proxied == nil {
			table.proxied = s
		}
	}
	f := &front{
		sites:      table,
		challenges: &p.server.challenges,
		readBody:   p.config.Timeouts.ReadBody,
		clientIP:   p.config.Trust.compile(),
		fields:     newFieldNames(p.config.ExpectedFields),
	}
	if p.config.Metrics {
		f.counts = p.server.metrics.of(l.Address)
	}
	if p.wantsUDP(l) {
		f.altSvc = newAltSvc(l.Address)
	}
	return f, errors.Join(problems...)
}

func (p *Prepared) compileSite(written Site) (*site, error) {
	s := &site{length: len(written.Path)}
	if written.Path != "" {
		path, err := match.Path{written.Path}.Compile()
		if err != nil {
			return nil, err
		}
		s.path = path
	}
	if written.TLS != nil {
		policy, err := p.policy(written.TLS)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		s.policy = policy
	}
	for _, log := range written.Logs {
		if log.Output != accesslog.Discard {
			s.logs = append(s.logs, p.logs.Log(log, p.config.LogCredentials))
		}
	}
	apply, err := written.Routes.Compile(&handler.Env{
		Log: p.server.log, Pools: p.lease, Kept: p.kept, Metrics: &p.server.exposition, OCSPResponder: p.ocspResponder, OCSPRelay: p.ocspRelay,
	})
	if err != nil {
		return nil, err
	}
	s.handler = apply(http.HandlerFunc(unanswered))
	return s, nil
}

// policy compiles what a site says of its handshakes, once for all sites that
// say the same, as by a snippet.
func (p *Prepared) policy(c *tlspolicy.Config) (*tlspolicy.Policy, error) {
	said, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	if p.policies[string(said)] == nil {
		if p.policies[string(said)], err = c.Compile(); err != nil {
			return nil, err
		}
	}
	return p.policies[string(said)], nil
}

// secure decides what a listener does with new connections.
func (p *Prepared) secure(l Listener, tlsConfigFor func(string) *tls.Config) error {
	if !l.TLS {
		return nil
	}
	sec := &security{timeout: p.config.Timeouts.Handshake, next: p.fronts[l.Address].sites}
	if kept := p.server.listener(l.Address); kept != nil && kept.security.Load() != nil {
		sec.base, sec.sites = kept.security.Load().base, kept.security.Load().sites
	} else if config := tlsConfigFor(l.Address); config != nil {
		config = config.Clone()
		if len(config.NextProtos) == 0 {
			config.NextProtos = []string{alpn[HTTP2], alpn[HTTP1]}
		}
		sec.sites = new(atomic.Pointer[sites])
		sec.base = policed(config, sec.sites)
	} else {
		return fmt.Errorf("listening on %s: no certificates for it", l.Address)
	}
	sec.config = p.config.restrict(sec.base)
	p.security[l.Address] = sec
	return nil
}

// explain says more about a busy port if it is dwaar that keeps it busy.
func (p *Prepared) explain(address string, err error) error {
	var op *net.OpError
	if !errors.Is(err, syscall.EADDRINUSE) || !errors.As(err, &op) || op.Net != "tcp" {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	for other := range p.server.listeners {
		if _, busy, _ := net.SplitHostPort(other); busy == port {
			return fmt.Errorf("%w: this dwaar holds the port as %s, and can change that only by a restart", err, other)
		}
	}
	return err
}

func (s *Server) listener(address string) *listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listeners[address]
}
