package http1_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/proxy/upstream/http1"
)

// script serves each connection by hand; dialled counts them.
type script struct {
	listener net.Listener
	dialled  atomic.Int64
}

func serve(t *testing.T, conversation func(net.Conn, *bufio.Reader)) *script {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				conversation(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return &script{listener: listener}
}

func (s *script) client(change func(*http1.Config)) *http1.Client {
	c := http1.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			s.dialled.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, "tcp", s.listener.Addr().String())
		},
		MaxIdle: 8, IdleTimeout: time.Minute, ContinueTimeout: time.Minute, MaxHeader: 64 << 10,
	}
	if change != nil {
		change(&c)
	}
	return http1.New(c)
}

// answers reads requests, bodies included, and answers each with the same bytes.
func answers(t *testing.T, text string) *script {
	return serve(t, func(conn net.Conn, r *bufio.Reader) {
		for {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			_, _ = io.WriteString(conn, text)
		}
	})
}

type interims []int

func (i *interims) Interim(status int, _ http.Header) error {
	*i = append(*i, status)
	return nil
}

func get(t *testing.T) *http.Request { return request(t, http.MethodGet, nil) }

func request(t *testing.T, method string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://a.test/x?y", body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// exchange does one request and reads its response to the end.
func exchange(c *http1.Client, r *http.Request) (*http.Response, string, error) {
	response, err := c.Do(r, new(interims))
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestResponsesAreFramedAsTheRFCHasIt(t *testing.T) {
	for _, c := range []struct {
		name, method, answer string
		body                 string
		kept                 bool
	}{
		{"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true},
		{"no length but the end", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", false},
		{"zero", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
		{"the same length twice", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "ok", true},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde", true},
		{"chunks of a byte", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\na\r\n", 20_000) + "0\r\n\r\n",
			strings.Repeat("a", 20_000), true},
		{"both: the chunks count, and nothing follows", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab", false},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", true},
		{"HEAD of chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", true},
		{"204", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "", true},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", true},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false},
		{"HTTP/1.0 kept", "GET", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", "ok", true},
		{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok", true},
		{"LF alone", "GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok", true},
		{"more than was promised", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", "ok", false},
	} {
		s := answers(t, c.answer)
		client := s.client(nil)
		for range 2 {
			if _, body, err := exchange(client, request(t, c.method, nil)); err != nil || body != c.body {
				t.Errorf("%s: %q, %v", c.name, body, err)
			}
		}
		if kept := s.dialled.Load() == 1; kept != c.kept {
			t.Errorf("%s: %d connections", c.name, s.dialled.Load())
		}
		client.CloseIdleConnections()
	}
}

func TestBodyWithoutLengthEndsWithTheConnection(t *testing.T) {
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nall of it")
	})
	if response, body, err := exchange(s.client(nil), get(t)); err != nil || body != "all of it" || response.ContentLength != -1 {
		t.Errorf("%q, %v", body, err)
	}
}

func TestAmbiguousResponsesAreErrors(t *testing.T) {
	for name, answer := range map[string]string{
		"another protocol":      "220 smtp ready\r\n\r\n",
		"HTTP/2":                "HTTP/2.0 200 OK\r\n\r\n",
		"short status":          "HTTP/1.1 20 OK\r\n\r\n",
		"long status":           "HTTP/1.1 2000 OK\r\n\r\n",
		"signed status":         "HTTP/1.1 +20 OK\r\n\r\n",
		"status 099":            "HTTP/1.1 099 Odd\r\n\r\n",
		"different lengths":     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
		"a list of lengths":     "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
		"signed length":         "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
		"huge length":           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
		"another coding":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"chunked twice":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks in HTTP/1.0":    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"space before colon":    "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
		"folded line":           "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
		"no colon":              "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"no name":               "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
		"NUL":                   "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
		"CR in a value":         "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
		"header of all sizes":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n",
		"fields without number": "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20<<10) + "\r\n",
		"no end of header":      "HTTP/1.1 200 OK\r\nX: y\r\n",
		"nothing":               "",
	} {
		s := serve(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, answer)
		})
		if response, err := s.client(nil).Do(get(t), new(interims)); err == nil {
			t.Errorf("%s: %v", name, response)
		}
	}
}

func TestBrokenBodiesAreErrors(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, answer := range map[string]string{
		"short":                     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
		"no last chunk":             chunked + "3\r\nabc\r\n",
		"short chunk":               chunked + "5\r\nabc",
		"no end of trailer":         chunked + "3\r\nabc\r\n0\r\n",
		"no size":                   chunked + "\r\nabc\r\n0\r\n\r\n",
		"no number":                 chunked + "x\r\nabc\r\n0\r\n\r\n",
		"signed":                    chunked + "+3\r\nabc\r\n0\r\n\r\n",
		"0x":                        chunked + "0x3\r\nabc\r\n0\r\n\r\n",
		"too many digits":           chunked + "0000000000000003\r\nabc\r\n0\r\n\r\n",
		"LF after the size":         chunked + "3\nabc\r\n0\r\n\r\n",
		"LF after the data":         chunked + "3\r\nabc\n0\r\n\r\n",
		"bytes after the data":      chunked + "3\r\nabcde0\r\n\r\n",
		"more than the size":        chunked + "3\r\nabcd\r\n0\r\n\r\n",
		"CR in an extension":        chunked + "3;\rx\r\nabc\r\n0\r\n\r\n",
		"a long extension":          chunked + "3;" + strings.Repeat("x", 5000) + "\r\nabc\r\n0\r\n\r\n",
		"nothing but extensions":    chunked + strings.Repeat("1;"+strings.Repeat("x", 900)+"\r\na\r\n", 30) + "0\r\n\r\n",
		"malformed trailer":         chunked + "0\r\nX : y\r\n\r\n",
		"trailer that is too large": chunked + "0\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n",
	} {
		s := serve(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, answer)
		})
		client := s.client(nil)
		if _, body, err := exchange(client, get(t)); err == nil {
			t.Errorf("%s: %q without an error", name, body)
		}
		if _, _, _ = exchange(client, get(t)); s.dialled.Load() != 2 {
			t.Errorf("%s: the connection was used again", name)
		}
	}
}

func TestTrailersFollowTheBody(t *testing.T) {
	s := answers(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Content-Length\r\n\r\n1\r\na\r\n0\r\n"+
		"x-sum: 1\r\nX-More: 2\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")
	client := s.client(nil)
	for range 2 {
		response, body, err := exchange(client, get(t))
		if err != nil || body != "a" {
			t.Fatalf("%q, %v", body, err)
		}
		if len(response.Trailer) != 2 || response.Trailer.Get("X-Sum") != "1" || response.Trailer.Get("X-More") != "2" {
			t.Errorf("trailer = %v", response.Trailer)
		}
	}
	if s.dialled.Load() != 1 {
		t.Errorf("%d connections", s.dialled.Load())
	}
}

func TestRequestsAreWrittenAsOneRequest(t *testing.T) {
	got := make(chan string, 1)
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		var all strings.Builder
		for !strings.HasSuffix(all.String(), "\r\n\r\n") {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			all.WriteString(line)
		}
		got <- all.String()
		_, _ = io.WriteString(conn, "HTTP/1.1 204 OK\r\n\r\n")
	})
	r := get(t)
	r.URL.RawQuery = "a b"
	r.Header = http.Header{"X-A": {"1", "2"}, "Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"x"}, "Host": {"evil.test"}}
	if _, _, err := exchange(s.client(nil), r); err != nil {
		t.Fatal(err)
	}
	if want := "GET /x?a%20b HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nX-A: 2\r\n\r\n"; <-got != want {
		t.Errorf("it is not %q", want)
	}
}

// A server that merges trailers into the header must not be told another
// length, host or identity.
func TestFieldsThatMayNotTrailAreNotSent(t *testing.T) {
	got := make(chan http.Header, 1)
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		got <- request.Trailer
		_, _ = io.WriteString(conn, "HTTP/1.1 204 OK\r\n\r\n")
	})
	r := request(t, http.MethodPost, strings.NewReader("body"))
	r.ContentLength = -1
	r.Trailer = http.Header{"X-Sum": {"1"}, "Host": {"evil.test"}, "Authorization": {"x"}, "Content-Length": {"9"}, "Transfer-Encoding": {"chunked"}}
	if _, _, err := exchange(s.client(nil), r); err != nil {
		t.Fatal(err)
	}
	if trailer := <-got; len(trailer) != 1 || trailer.Get("X-Sum") != "1" {
		t.Errorf("the server sees %v", trailer)
	}
}

func TestRequestsThatWouldBeTwoAreRefused(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"method":         func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX:" },
		"method, spaced": func(r *http.Request) { r.Method = "GET /admin" },
		"host":           func(r *http.Request) { r.Host = "a.test\r\nX: y" },
		"field":          func(r *http.Request) { r.Header["X\r\nY"] = []string{"z"} },
		"field, spaced":  func(r *http.Request) { r.Header["Transfer-Encoding "] = []string{"chunked"} },
		"value":          func(r *http.Request) { r.Header["X"] = []string{"a\r\nY: z"} },
		"target":         func(r *http.Request) { r.URL.RawQuery = "a\r\nX: y" },
		"opaque":         func(r *http.Request) { r.URL.Opaque = "http://other.test/" },
	} {
		s := answers(t, "HTTP/1.1 204 OK\r\n\r\n")
		r := get(t)
		change(r)
		client := s.client(nil)
		if _, _, err := exchange(client, r); !errors.Is(err, http1.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := exchange(client, get(t)); err != nil {
			t.Errorf("%s, afterwards: %v", name, err)
		}
	}
}
