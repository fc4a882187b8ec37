package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"dwaar/proxy/handler"
)

// A client that is still sending when it is answered can read the answer: the
// connection is not reset under it.
func TestAnAnswerBeforeTheEndOfABodyArrives(t *testing.T) {
	for range 3 {
		server := start(t, plain(handler.Chain{
			{Directive: handler.RequestBody{MaxSize: 1000}}, {Directive: handler.Respond{Body: "small enough"}},
		}))
		conn := server.dial(loopback)
		go func() {
			_, _ = io.WriteString(conn.Conn, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3000000\r\n\r\n"+strings.Repeat("x", 3_000_000))
		}()
		response, _ := conn.answer()
		if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
			t.Errorf("%s, close %v", response.Status, response.Close)
		}
		if _, err := conn.r.ReadByte(); err != io.EOF {
			t.Errorf("after the answer: %v", err)
		}
	}
}

// An answer that breaks off while the client is still sending is seen to break
// off, although nothing comes from the client any more.
func TestAnAnswerThatBreaksOffBeforeTheEndOfABodyIsOver(t *testing.T) {
	server := start(t, plain(proxyTo(rawBackend(t, func(c *raw) {
		_, _ = http.ReadRequest(c.r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
	}))))
	conn := server.dial(loopback)
	conn.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\npart")
	response := conn.response()
	if body, err := io.ReadAll(response.Body); string(body) != "part" || err != io.ErrUnexpectedEOF {
		t.Errorf("%q, %v", body, err)
	}
}
