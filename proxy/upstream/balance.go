package upstream

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// avoidFor is how long an upstream that refused a connection is asked last.
const avoidFor = 5 * time.Second

// balance is the round tripper over the upstreams of one directive. They
// take turns; one that cannot be reached is passed over for the next, because
// nothing was sent to it, and is asked last for a while.
type balance struct {
	servers []*server
	turn    atomic.Uint64
	log     *slog.Logger
}

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

// RoundTrip implements [http.RoundTripper].
func (b *balance) RoundTrip(r *http.Request) (*http.Response, error) {
	var room [8]*server
	var failed error
	if len(b.servers) > 1 && r.Body != nil {
		// A transport closes the body of a request it could not send.
		r.Body = io.NopCloser(r.Body)
	}
	for _, s := range b.order(room[:0]) {
		response, err := s.roundTrip(r)
		if err == nil || !nothingSent(err) || r.Context().Err() != nil {
			return response, err
		}
		b.avoid(r.Context(), s, err)
		failed = err
	}
	return nil, failed
}

// order appends the servers to room in the order in which they are asked:
// from the one whose turn it is, and the avoided ones at the end.
func (b *balance) order(room []*server) []*server {
	if len(b.servers) == 1 {
		return b.servers
	}
	n := uint64(len(b.servers))
	first, now := b.turn.Add(1)-1, time.Now().UnixNano()
	for _, avoided := range [...]bool{false, true} {
		for i := range n {
			s := b.servers[(first+i)%n]
			if (s.avoidUntil.Load() > now) == avoided && !slices.Contains(room, s) {
				room = append(room, s)
			}
		}
	}
	return room
}

func (s *server) roundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = s.scheme, s.host
	return s.transport.RoundTrip(r)
}

func (b *balance) avoid(ctx context.Context, s *server, err error) {
	until := time.Now().Add(avoidFor).UnixNano()
	if old := s.avoidUntil.Swap(until); old < time.Now().UnixNano() {
		b.log.WarnContext(ctx, "upstream cannot be reached", "upstream", s.address.String(), "err", err)
	}
}
