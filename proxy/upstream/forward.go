package upstream

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"
)

// New compiles c into the handler that forwards to its upstreams, over the
// connections of lease. It dials nothing.
//
// Requests and responses stream in both directions, trailers and interim
// responses included; what has no known length, and server-sent events, is
// flushed as it comes. The upstream sees the client's Host, and
// X-Forwarded-For, -Proto and -Host as dwaar knows them: what the client sent
// under these names is dropped. Fields that RFC 9110 §7.6.1 ties to one
// connection are not forwarded. A connection upgrade is, except to h2c, which
// would carry requests past every rule of the site.
//
// A client whose upstream cannot be reached gets a 502, one whose upstream
// takes too long a 504; if the upstream dies in the middle of a body, so does
// the client's response, visibly. A client that leaves ends the upstream's
// request. What cannot be forwarded is answered by fail, except for a client
// that has left.
func New(c Config, lease *Lease, log *slog.Logger, fail Fail) (http.Handler, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	roots, err := c.rootsPEM()
	if err != nil {
		return nil, fmt.Errorf("reverse_proxy: %w", err)
	}
	servers := make([]*server, len(c.Upstreams))
	for i, written := range c.Upstreams {
		address, err := ParseAddress(written)
		if err != nil {
			return nil, err
		}
		transport, err := lease.transport(c.settings(address, roots))
		if err != nil {
			return nil, fmt.Errorf("reverse_proxy: %w", err)
		}
		servers[i] = newServer(address, transport)
		if servers[i].state, err = lease.state(c, roots, address, transport, log); err != nil {
			return nil, err
		}
		if c.PassiveHealth != nil {
			servers[i].most = int64(c.PassiveHealth.UnhealthyRequestCount)
		}
	}
	balancer, err := newBalancer(c, servers, log)
	if err != nil {
		return nil, err
	}
	failures := &failures{log: log, fail: fail}
	return &forward{balancer: balancer, proxy: httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      attempts{},
		ModifyResponse: prepareResponse,
		ErrorHandler:   failures.answer,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BufferPool:     &buffers{},
	}}, nil
}

// forward is the seam between the handlers and how requests are forwarded.
type forward struct {
	balancer *balancer
	proxy    httputil.ReverseProxy
}

func (f *forward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, e := begin(w, r)
	e.turn.begin(f.balancer, r)
	defer e.turn.end()
	f.proxy.ServeHTTP(w, r)
}

// attempts is the round tripper that asks one upstream after the other.
type attempts struct{}

// RoundTrip implements [http.RoundTripper].
func (attempts) RoundTrip(r *http.Request) (*http.Response, error) {
	e := exchangeOf(r.Context())
	if r.Body != nil {
		// A transport closes the body of a request it could not send.
		r.Body = io.NopCloser(r.Body)
	}
	for {
		s, err := e.turn.next()
		if err != nil {
			return nil, err
		}
		response, err := s.roundTrip(r)
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

// rewrite makes the upstream's request of the client's. The transport fills in
// where it goes.
func rewrite(p *httputil.ProxyRequest) {
	p.SetXForwarded()
	// What the client asked for is passed on as it was written, also where
	// net/url would not accept it.
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	p.Out.URL.ForceQuery = p.In.URL.ForceQuery
	p.Out.Host = p.In.Host
	// The server fills in trailers while the body is read.
	p.Out.Trailer = p.In.Trailer
	if strings.EqualFold(p.Out.Header.Get("Upgrade"), "h2c") {
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
		p.Out.Header.Del("Http2-Settings")
	}
}

// prepareResponse sees the upstream's header before it is sent on.
func prepareResponse(response *http.Response) error {
	e := exchangeOf(response.Request.Context())
	if response.StatusCode == http.StatusSwitchingProtocols {
		e.finishHeader(response.Header)
		return nil
	}
	if e.unread() {
		e.answerEarly(response.Header)
	}
	return nil
}
