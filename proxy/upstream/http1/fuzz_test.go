package http1_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
)

// What a server sends is read as net/http reads it, or not at all.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		ok,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 2\n\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		client := piped(t, nil, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = conn.Write(sent)
		})
		response, body, err := exchange(client, get(t))
		if err != nil || response.StatusCode == http.StatusSwitchingProtocols {
			return
		}
		r := bufio.NewReader(bytes.NewReader(sent))
		var other *http.Response
		for other == nil || other.StatusCode < 200 {
			if other, err = http.ReadResponse(r, get(t)); err != nil {
				t.Fatalf("net/http refuses it: %v", err)
			}
		}
		otherBody, err := io.ReadAll(other.Body)
		if err != nil || string(otherBody) != body || other.StatusCode != response.StatusCode {
			t.Errorf("%d %q, net/http has %d %q, %v", response.StatusCode, body, other.StatusCode, otherBody, err)
		}
	})
}
