package upstream

import (
	"net/http"
	"slices"
	"time"
)

// turn is one request's way through the upstreams of a directive. The
// forwarder owns it for as long as the request lasts, a connection that was
// taken over included, and asks it for one upstream after the other:
//
//	t.begin(b, r)
//	defer t.end() // however the request ends: also by a panic
//	for {
//		s, err := t.next() // may wait; an error is what the client gets
//		…
//		response, err := s.roundTrip(outgoing)
//		if err == nil {
//			t.answered(response)
//			return response
//		}
//		t.failed(err, nothing of the client's body was read)
//	}
//
// An error that is the client's own, as a body that breaks off, is not
// reported: the upstream did nothing wrong, and there is nothing to repeat.
type turn struct {
	balancer *balancer
	request  *http.Request // the client's; its context ends when the client leaves
	begun    time.Time     // when a limit of time began to run, else zero
	asked    time.Time     // when the attempt began, if that is worth knowing
	server   *server       // where a request of this turn is under way, or nil
	servers  []*server     // those there are
	tried    []*server
	room     [4]*server
	rank     rank
	home     *server // where the client's cookie leads, nil for nowhere
	err      error   // of the last attempt
	again    bool    // err allows another one
	unsent   bool    // with err nothing of the request was sent
	retried  int
}

// rank is which servers are open to a policy: the next one opens those of the
// ranks before it too.
type rank int

const (
	rankFresh   rank = iota // available, not tried by this turn, and not known to refuse connections
	rankUntried             // available and not tried by this turn
	rankAny                 // available
)

func (t *turn) begin(b *balancer, r *http.Request) {
	t.balancer, t.request = b, r
	t.tried = t.room[:0]
	t.look()
	if b.retries.duration > 0 {
		t.begun = time.Now()
	}
}

// next is the upstream to ask now. If there is none, or if the request may not
// be sent once more, it is the error of the last attempt.
func (t *turn) next() (*server, error) {
	if t.err != nil && (!t.again || t.request.Context().Err() != nil) {
		return nil, t.err
	}
	s, goOn := t.first(), true
	for s == nil && goOn {
		s, goOn = t.later()
	}
	switch {
	case s != nil:
		t.ask(s)
		return s, nil
	case t.err != nil:
		return nil, t.err
	}
	return nil, errNoUpstream
}

func (t *turn) ask(s *server) {
	t.server = s
	if t.balancer.passive != nil && t.balancer.passive.UnhealthyLatency > 0 {
		t.asked = time.Now()
	}
}

// answered is for a response, before anything of it has reached the client.
// It may add to the response's header.
func (t *turn) answered(response *http.Response) {
	t.balancer.answered(t, response)
}

// failed is for an attempt that brought no response. Untouched says that
// nothing of the client's body was read.
func (t *turn) failed(err error, untouched bool) {
	if t.begun.IsZero() {
		t.begun = time.Now()
	}
	s := t.server
	t.end()
	t.err, t.unsent = err, nothingSent(err)
	t.again = untouched && (t.unsent || t.balancer.retries.on() && t.balancer.retries.repeatable(t.request))
	if t.request.Context().Err() == nil {
		t.balancer.failed(t.request.Context(), s, err, t.unsent)
	}
}

// end gives back what the turn counts as under way.
func (t *turn) end() {
	if t.server != nil {
		t.server.giveBack()
		t.server = nil
	}
}

// look takes the servers that there are now.
func (t *turn) look() {
	if t.servers = t.balancer.servers; t.balancer.dynamic != nil {
		t.servers = t.balancer.dynamic.servers(t.request)
	}
}

func (t *turn) hasTried(s *server) bool { return slices.Contains(t.tried, s) }

// open reports whether a policy may choose s.
func (t *turn) open(s *server) bool {
	switch {
	case !s.available():
		return false
	case t.rank == rankAny:
		return true
	case len(t.tried) > 0 && t.hasTried(s):
		return false
	}
	return t.rank == rankUntried || !s.avoid.ahead()
}
