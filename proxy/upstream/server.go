package upstream

import (
	"net/http"

	"dwaar/proxy/upstream/http1"
)

// server is one upstream of a directive: how to reach it, what the policies
// know it by, and what is known about it.
type server struct {
	address   Address
	scheme    string
	host      string // what the transport knows the server by
	transport carrier

	template *template // nil, or it tells which server is meant, and this one is none
	named    bool      // by a request: that it fails is no news

	*state
	most   int64  // requests under way; 0: any number
	weight int    // for weighted_round_robin
	hash   uint64 // of the address
	cookie string // the value that says: this one
}

func newServer(a Address, transport carrier) *server {
	s := &server{address: a, scheme: "http", host: a.Dial, transport: transport, hash: hashString(a.String())}
	if a.TLS {
		s.scheme = "https"
	}
	if a.Network == "unix" {
		s.host = "localhost"
	}
	return s
}

// send sends r, and tells watcher of interim responses.
func (s *server) send(r *http.Request, watcher http1.Watcher) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = s.scheme, s.host
	return s.transport.Do(r, watcher)
}

// roundTrip sends a request of dwaar's own.
func (s *server) roundTrip(r *http.Request) (*http.Response, error) { return s.send(r, nobody{}) }

type nobody struct{}

func (nobody) Interim(int, http.Header) error { return nil }

// available reports whether the server takes requests.
func (s *server) available() bool {
	return !s.down() && (s.most == 0 || s.inFlight.Load() < s.most)
}

// take counts a request, unless that would be one too many.
func (s *server) take() bool {
	if n := s.inFlight.Add(1); s.most > 0 && n > s.most {
		s.inFlight.Add(-1)
		return false
	}
	s.requests.Add(1)
	return true
}

func (s *server) giveBack() { s.inFlight.Add(-1) }
