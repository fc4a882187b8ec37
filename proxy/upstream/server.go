package upstream

import (
	"net/http"
	"sync/atomic"
)

// server is one upstream: how to reach it, and what is known about it.
type server struct {
	address    Address
	scheme     string
	host       string // what the transport knows the server by
	transport  *http.Transport
	avoidUntil atomic.Int64 // Unix nanoseconds
}

func newServer(a Address, transport *http.Transport) *server {
	s := &server{address: a, scheme: "http", host: a.Dial, transport: transport}
	if a.TLS {
		s.scheme = "https"
	}
	if a.Network == "unix" {
		s.host = "localhost"
	}
	return s
}

func (s *server) roundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = s.scheme, s.host
	return s.transport.RoundTrip(r)
}
