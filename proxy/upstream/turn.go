package upstream

import (
	"net/http"
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
type turn struct {
	balancer *balancer
	request  *http.Request // the client's; its context ends when the client leaves
	begun    time.Time     // zero until something failed
	tried    []*server
	server   *server // the last one that next returned
	err      error   // of the last attempt
	again    bool    // err allows another attempt
	room     [4]*server
}

func (t *turn) begin(b *balancer, r *http.Request) {
	t.balancer, t.request = b, r
	t.tried = t.room[:0]
}

// next is the upstream to ask now. After a failure it is the error of that if
// the request may not be sent once more.
func (t *turn) next() (*server, error) {
	if t.err != nil && (!t.again || t.request.Context().Err() != nil) {
		return nil, t.err
	}
	s := t.balancer.choose(t)
	if s == nil {
		return nil, t.err
	}
	t.server = s
	t.tried = append(t.tried, s)
	return s, nil
}

// answered is for a response, before anything of it has reached the client.
// It may add to the response's header.
func (t *turn) answered(*http.Response) {}

// failed is for an attempt that brought no response. Untouched says that
// nothing of the client's body was read.
func (t *turn) failed(err error, untouched bool) {
	t.err, t.again = err, untouched && nothingSent(err)
	if t.again && t.request.Context().Err() == nil {
		t.balancer.avoid(t.request.Context(), t.server, err)
	}
}

// end gives back what the turn counts as in use.
func (t *turn) end() { t.server = nil }
