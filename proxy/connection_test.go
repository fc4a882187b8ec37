package proxy_test

import (
	"net/http"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// A client may keep its own fields to the connection, and none of the site's.
func TestClientCannotKeepWhatTheSiteSetsFromTheUpstream(t *testing.T) {
	seen := make(chan http.Header, 1)
	address := backend(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	server := start(t, plain(handler.Chain{
		{Directive: handler.RequestHeader{Ops: []handler.HeaderOp{{Op: "set", Field: "X-User", Value: "ann"}}}},
		{Directive: handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{address}}}},
	}))
	conn := server.dial(loopback)
	for _, connection := range []string{"X-User, x-own", "keep-alive,x-user ,X-OWN", "x-own\r\nConnection: X-User, TE"} {
		conn.send("GET / HTTP/1.1\r\nHost: a.test\r\nX-User: eve\r\nX-Own: 1\r\nTE: trailers\r\nConnection: " + connection + "\r\n\r\n")
		conn.answer()
		got := <-seen
		if len(got["X-User"]) != 1 || got.Get("X-User") != "ann" || got.Get("X-Own") != "" || got.Get("Connection") != "" || got.Get("Te") != "trailers" {
			t.Errorf("Connection: %s: the upstream sees %v", connection, got)
		}
	}
}
