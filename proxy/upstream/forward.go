package upstream

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
)

// New compiles c into the handler that forwards to its upstreams, over the
// connections of lease. It dials nothing.
//
// Requests and responses stream in both directions, trailers and interim
// responses included; what has no known length, and server-sent events, is
// flushed as it comes. The upstream sees the client's Host, and
// X-Forwarded-For, -Proto and -Host as dwaar knows them: what the client sent
// under these names is dropped, unless the client is a trusted proxy. Fields that RFC 9110 §7.6.1 ties to one
// connection are not forwarded. A connection upgrade is, except to h2c, which
// would carry requests past every rule of the site.
//
// A client whose upstream cannot be reached gets a 502, one whose upstream
// takes too long a 504; if the upstream dies in the middle of a body, so does
// the client's response, visibly. A client that leaves ends the upstream's
// request. What cannot be forwarded is answered by fail, except for a client
// that has left.
func New(c Config, edits Edits, lease *Lease, log *slog.Logger, fail Fail) (http.Handler, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	files, err := c.read()
	if err != nil {
		return nil, fmt.Errorf("reverse_proxy: %w", err)
	}
	servers, err := c.servers(files, lease, log)
	if err != nil {
		return nil, err
	}
	balancer, err := newBalancer(c, servers, log)
	if err != nil {
		return nil, err
	}
	if c.Dynamic != nil {
		if balancer.dynamic, err = c.locate(files, lease, log); err != nil {
			return nil, err
		}
	}
	return &forward{
		config:   c,
		edits:    edits,
		lease:    lease,
		balancer: balancer,
		failures: &failures{log: log, fail: fail},
		log:      log,
	}, nil
}

// servers are the upstreams that are written.
func (c Config) servers(files files, lease *Lease, log *slog.Logger) (servers []*server, err error) {
	for _, written := range c.Upstreams {
		var s *server
		if isTemplate(written) {
			s, err = c.template(written, files, lease)
		} else {
			s, err = c.server(written, files, lease, log)
		}
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// server is an upstream with an address, over the connections of lease.
func (c Config) server(written string, files files, lease *Lease, log *slog.Logger) (*server, error) {
	address, err := c.Address(written)
	if err != nil {
		return nil, err
	}
	transport, err := lease.transport(c, address, files)
	if err != nil {
		return nil, fmt.Errorf("reverse_proxy: %w", err)
	}
	s := newServer(address, transport)
	s.most = c.mostRequests()
	s.state, err = lease.state(c, files, address, transport, log)
	return s, err
}

// forward is the seam between the handlers and how requests are forwarded.
type forward struct {
	config   Config
	edits    Edits
	lease    *Lease
	balancer *balancer
	failures *failures
	buffers  buffers
	log      *slog.Logger
}

// ServeHTTP implements [http.Handler].
func (f *forward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, e := begin(w, r)
	e.turn.begin(f.balancer, r)
	defer e.turn.end()
	response, err := f.ask(e)
	if err != nil {
		f.failures.answer(e, err)
		return
	}
	defer response.Body.Close()
	f.relay(e, response)
}

// ask sends the request to one upstream after the other, until one answers or
// it may not be sent again.
func (f *forward) ask(e *exchange) (*http.Response, error) {
	if err := e.failure(); err != nil {
		return nil, err
	}
	f.prepare(e)
	for {
		s, err := e.turn.next()
		if err != nil {
			return nil, err
		}
		e.state.Upstream = s.address.Dial
		e.out.Host = cmp.Or(s.address.OwnHost(), e.in.Host)
		if f.edits.Request != nil {
			f.edit(e)
		}
		response, err := s.send(&e.out, e)
		if err == nil {
			e.turn.answered(response)
			return response, nil
		}
		if e.failure() != nil {
			return nil, err
		}
		e.turn.failed(err, e.untouched())
	}
}
