// Package request holds what dwaar knows about one request beyond what
// net/http does.
package request

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// State belongs to one request. The front makes it, handlers fill it, and
// matchers, placeholders and logs read it. It is used by the goroutine that
// serves the request and by no other.
type State struct {
	// Started is when the request's header had been read.
	Started time.Time
	// ClientIP is who asks: the peer, or who stands behind it where
	// trusted_proxies says that the peer is a proxy. The zero Addr is nobody:
	// a client on a unix socket.
	ClientIP netip.Addr
	// TrustedPeer says that the peer is one of the trusted proxies: its word
	// about the client, X-Forwarded-Proto and -Host included, may be passed on.
	TrustedPeer bool
	// Received is the request as the client sent it, whatever handlers made
	// of it since.
	Received Received
	// Unlogged keeps the request out of access logs.
	Unlogged bool
	// User is who a handler found the client to be, "" for nobody.
	User string
	// Upstream is the host:port that reverse_proxy tried last.
	Upstream string
	// Failure is the error that is being answered, zero if there is none.
	Failure Failure
	// Recover answers requests that fail. It is given Entered, the request
	// before handlers changed it. Nil: failures are answered plainly.
	Recover http.Handler
	Entered *http.Request

	id       string
	vars     []variable
	captures []capture
	carrier  carrier
}

// Received is what a client asked for.
type Received struct{ Method, Host, URI string }

// Failure is why a request could not be answered as the site has it.
type Failure struct {
	Status int
	Err    error
}

// With attaches s to r. It costs the shallow copy that WithContext makes, and
// nothing else. s must not be attached to another request.
func With(r *http.Request, s *State) *http.Request {
	s.carrier = carrier{r.Context(), s}
	return r.WithContext(&s.carrier)
}

// Of is the state of r. It is never nil: a request that no front has seen, as
// in tests of handlers, has an empty one, and forgets what is written to it.
func Of(r *http.Request) *State {
	if s := find(r.Context()); s != nil {
		return s
	}
	return new(State)
}

// OfContext is the state of the request that ctx belongs to, or nil.
func OfContext(ctx context.Context) *State { return find(ctx) }

// Ensure is r with its state, attached now if it had none.
func Ensure(r *http.Request) (*http.Request, *State) {
	if s := find(r.Context()); s != nil {
		return r, s
	}
	s := new(State)
	return With(r, s), s
}

func find(ctx context.Context) *State {
	if c, ok := ctx.(*carrier); ok {
		return c.state
	}
	s, _ := ctx.Value(key{}).(*State)
	return s
}

// carrier is the context that a state is attached by. It lives in the state,
// so that attaching allocates no context.
type carrier struct {
	context.Context
	state *State
}

type key struct{}

// Value implements [context.Context].
func (c *carrier) Value(k any) any {
	if k == (key{}) {
		return c.state
	}
	return c.Context.Value(k)
}
