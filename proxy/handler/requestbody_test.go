package handler_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// echo answers with the bodies it gets.
func echo(t *testing.T) (handler.Directive, func() int) {
	t.Helper()
	got := make(chan int, 100)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			got <- len(body)
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(up.Close)
	return handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{up.URL}}}, func() int { return len(got) }
}

func TestALargeBodyIsRefused(t *testing.T) {
	forward, whole := echo(t)
	chain := handler.Chain{always(handler.RequestBody{MaxSize: 1000}), always(forward)}
	for _, c := range []struct {
		size    int
		chunked bool
		want    int
	}{{0, false, 200}, {1000, false, 200}, {1001, false, 413}, {1000, true, 200}, {1001, true, 413}, {1 << 20, true, 413}} {
		var body io.Reader = strings.NewReader(strings.Repeat("x", c.size))
		if c.chunked {
			body = io.MultiReader(body)
		}
		r := httptest.NewRequest(http.MethodPost, "/", body)
		response := do(t, chain, r)
		if response.StatusCode != c.want || c.want == 200 && len(text(t, response)) != c.size {
			t.Errorf("%d bytes, chunked %v: %d", c.size, c.chunked, response.StatusCode)
		}
	}
	if whole() != 3 {
		t.Errorf("the upstream got %d whole bodies", whole())
	}
}

// A body whose length is known is refused without waiting for it.
func TestATooLongBodyIsNotWaitedFor(t *testing.T) {
	forward, _ := echo(t)
	server := httptest.NewServer(compiled(t, handler.Chain{always(handler.RequestBody{MaxSize: 10}), always(forward)}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx")
	answer := make([]byte, 512)
	n, err := conn.Read(answer)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 413 ")) || !bytes.Contains(answer[:n], []byte("Connection: close")) {
		t.Errorf("%q, %v", answer[:n], err)
	}
}

// timed is a response writer that remembers its deadlines.
type timed struct {
	http.ResponseWriter
	read, write []time.Time
}

func (w *timed) SetReadDeadline(at time.Time) error  { w.read = append(w.read, at); return nil }
func (w *timed) SetWriteDeadline(at time.Time) error { w.write = append(w.write, at); return nil }

func TestTimeoutsOfBodyAndResponse(t *testing.T) {
	h := compiled(t, handler.Chain{always(handler.RequestBody{ReadTimeout: time.Minute, WriteTimeout: time.Hour}), says("hello")})
	for _, body := range []string{"", "body"} {
		w := &timed{ResponseWriter: httptest.NewRecorder()}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if len(w.read) != min(len(body), 1) || len(w.write) != 2 || !w.write[1].IsZero() {
			t.Fatalf("body %q: deadlines %v and %v", body, w.read, w.write)
		}
		if left := time.Until(w.write[0]); left < 59*time.Minute || left > time.Hour {
			t.Errorf("the response has %v", left)
		}
		if len(w.read) == 1 && time.Until(w.read[0]) > time.Minute {
			t.Errorf("the body has %v", time.Until(w.read[0]))
		}
	}
}

func TestASlowBodyIsGivenUp(t *testing.T) {
	forward, whole := echo(t)
	server := httptest.NewServer(compiled(t, handler.Chain{always(handler.RequestBody{ReadTimeout: 50 * time.Millisecond}), always(forward)}))
	defer server.Close()
	body, held := io.Pipe()
	defer held.Close()
	go func() { _, _ = held.Write([]byte("first")) }()
	response, err := http.Post(server.URL, "text/plain", body)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if err == nil && response.StatusCode != http.StatusRequestTimeout || whole() != 0 {
		t.Errorf("%v, %d whole bodies", response, whole())
	}
}

func TestRequestBodyNeedsSomethingToDo(t *testing.T) {
	for want, c := range map[string]handler.RequestBody{
		"request_body: nothing to do":                 {},
		"request_body: a size or timeout is negative": {MaxSize: -1},
	} {
		if err := handler.Check(c); err == nil || err.Error() != want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
