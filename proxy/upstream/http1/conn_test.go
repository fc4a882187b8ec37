package http1_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/proxy/upstream/http1"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// A server may close an idle connection at any moment.
func TestIdleConnectionThatHasEndedIsNotUsed(t *testing.T) {
	ended := make(chan struct{})
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body) // or its rest would make the end a reset
		_, _ = io.WriteString(conn, ok)
		_ = conn.Close()
		ended <- struct{}{}
	})
	client := s.client(nil)
	for range 4 {
		if _, body, err := exchange(client, request(t, http.MethodPost, strings.NewReader("body"))); err != nil || body != "ok" {
			t.Fatalf("%q, %v", body, err)
		}
		<-ended
	}
}

// Or in the moment in which the next request is sent.
func TestRequestWithoutEffectIsSentAgainWhenItsConnectionEnds(t *testing.T) {
	for _, c := range []struct {
		method string
		body   io.Reader
		again  bool
	}{
		{"GET", nil, true}, {"HEAD", nil, true}, {"POST", nil, false}, {"DELETE", nil, false},
		{"GET", strings.NewReader("which is gone"), false},
	} {
		s := serve(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, "HTTP/1.1 204 OK\r\n\r\n")
			_, _ = http.ReadRequest(r)
		})
		client := s.client(nil)
		if _, _, err := exchange(client, get(t)); err != nil {
			t.Fatal(err)
		}
		r := request(t, c.method, c.body)
		if c.body != nil {
			r.ContentLength = -1
		}
		if _, _, err := exchange(client, r); (err == nil) != c.again {
			t.Errorf("%s with %v: %v", c.method, c.body, err)
		}
	}
}

// A response that has begun is the answer, also where it breaks off.
func TestRequestIsNotSentAgainAfterTheBeginningOfAResponse(t *testing.T) {
	requests := make(chan struct{}, 8)
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		for _, answer := range []string{ok, "HTTP/1.1 2"} {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			requests <- struct{}{}
			_, _ = io.WriteString(conn, answer)
		}
	})
	client := s.client(nil)
	if _, _, err := exchange(client, get(t)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := exchange(client, get(t)); err == nil || len(requests) != 2 {
		t.Errorf("%v after %d requests", err, len(requests))
	}
}

// What nobody asked for would be taken for the next response.
func TestConnectionWithUnaskedBytesIsNotUsed(t *testing.T) {
	sent := make(chan struct{}, 1)
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, ok)
		time.Sleep(10 * time.Millisecond)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		sent <- struct{}{}
		_, _ = io.Copy(io.Discard, r)
	})
	client := s.client(nil)
	for range 2 {
		if _, body, err := exchange(client, get(t)); err != nil || body != "ok" {
			t.Errorf("%q, %v", body, err)
		}
		<-sent
	}
}

func TestEndOfTheContextEndsTheExchange(t *testing.T) {
	for name, answer := range map[string]string{"header": "", "body": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"} {
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		s := serve(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, answer)
			cancel()
			_, _ = r.ReadByte()
			close(gone)
		})
		if _, _, err := exchange(s.client(nil), get(t).WithContext(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		<-gone
	}
}

func TestBodyThatIsClosedEarlyTakesItsConnectionWithIt(t *testing.T) {
	s := answers(t, ok)
	client := s.client(nil)
	for range 2 {
		response, err := client.Do(get(t), new(interims))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if _, err := response.Body.Read(make([]byte, 1)); err == nil {
			t.Error("a closed body is read")
		}
	}
	if s.dialled.Load() != 2 {
		t.Errorf("%d connections", s.dialled.Load())
	}
}

// The rest of it may come at any time.
func TestConnectionWithHalfABodyIsNotUsed(t *testing.T) {
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
		_, _ = io.Copy(io.Discard, r)
	})
	client := s.client(nil)
	for range 2 {
		response, err := client.Do(request(t, http.MethodPost, nil), new(interims))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := response.Body.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if s.dialled.Load() != 2 {
		t.Errorf("%d connections", s.dialled.Load())
	}
}

func TestInterimResponsesAreToldInOrder(t *testing.T) {
	s := answers(t, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"+ok)
	var seen interims
	response, err := s.client(nil).Do(get(t), &seen)
	if err != nil || len(seen) != 2 || seen[0] != 102 || seen[1] != 103 || response.StatusCode != 200 {
		t.Errorf("%v, %v", seen, err)
	}
	s = answers(t, strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 2000)+ok)
	if _, err := s.client(nil).Do(get(t), new(interims)); err == nil {
		t.Error("interim responses without end")
	}
}

func TestBodyThatWasOfferedWaitsForTheWord(t *testing.T) {
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		for {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if r.Buffered() > 0 {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
			body, _ := io.ReadAll(request.Body)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"+string(body))
		}
	})
	client := s.client(nil)
	for range 2 {
		r := request(t, http.MethodPost, strings.NewReader("body"))
		r.Header.Set("Expect", "100-continue")
		if _, body, err := exchange(client, r); err != nil || body != "body" {
			t.Errorf("%q, %v", body, err)
		}
	}
	if s.dialled.Load() != 1 {
		t.Errorf("%d connections", s.dialled.Load())
	}
}

// untouchable is a body that nobody may read.
type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.EOF
}

func TestBodyThatIsRefusedIsNotRead(t *testing.T) {
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
		_, _ = io.Copy(io.Discard, r)
	})
	client := s.client(nil)
	for range 2 {
		r := request(t, http.MethodPost, untouchable{t})
		r.ContentLength = 10
		r.Header.Set("Expect", "100-continue")
		if response, _, err := exchange(client, r); err != nil || response.StatusCode != 417 {
			t.Errorf("%v, %v", response, err)
		}
	}
	if s.dialled.Load() != 2 {
		t.Errorf("%d connections: the body would be taken for a request", s.dialled.Load())
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := answers(t, ok)
	client := s.client(func(c *http1.Config) { c.MaxConns = 1 })
	held, err := client.Do(get(t), new(interims))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := exchange(client, get(t).WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second request: %v", err)
	}
	_, _ = io.ReadAll(held.Body)
	for range 3 {
		if _, _, err := exchange(client, get(t)); err != nil {
			t.Error(err)
		}
	}
	if s.dialled.Load() != 1 {
		t.Errorf("%d connections", s.dialled.Load())
	}
}

// piped is a client of a server that a pipe leads to.
func piped(t *testing.T, change func(*http1.Config), conversation func(net.Conn, *bufio.Reader)) *http1.Client {
	c := http1.Config{
		Dial: func(context.Context) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				conversation(there, bufio.NewReader(there))
			}()
			return here, nil
		},
		MaxIdle: 8, IdleTimeout: time.Minute, ContinueTimeout: time.Second, MaxHeader: 64 << 10,
	}
	if change != nil {
		change(&c)
	}
	return http1.New(c)
}

func TestIdleConnectionsAreClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		client := piped(t, nil, func(conn net.Conn, r *bufio.Reader) {
			defer close(ended)
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, ok)
			_, _ = r.ReadByte()
		})
		began := time.Now()
		if _, _, err := exchange(client, get(t)); err != nil {
			t.Fatal(err)
		}
		<-ended
		if took := time.Since(began); took != time.Minute {
			t.Errorf("after %v", took)
		}
	})
}

func TestHeaderMustComeInTimeButNotTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := piped(t, func(c *http1.Config) { c.ResponseHeaderTimeout = time.Second }, func(conn net.Conn, r *bufio.Reader) {
			request, _ := http.ReadRequest(r)
			_, _ = io.Copy(io.Discard, request.Body)
			if request.Method == http.MethodGet {
				time.Sleep(2 * time.Second)
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			time.Sleep(time.Hour)
			_, _ = io.WriteString(conn, "ok")
		})
		_, _, err := exchange(client, get(t))
		var network net.Error
		if !errors.As(err, &network) || !network.Timeout() {
			t.Errorf("a slow header: %v", err)
		}
		slow, feed := io.Pipe()
		go func() {
			time.Sleep(time.Hour)
			_, _ = io.WriteString(feed, "body")
			_ = feed.Close()
		}()
		r := request(t, http.MethodPost, slow)
		r.ContentLength = -1
		if _, body, err := exchange(client, r); err != nil || body != "ok" {
			t.Errorf("a slow client and a slow body: %q, %v", body, err)
		}
	})
}

func TestBodyThatWasOfferedGoesWithoutAWordAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := piped(t, nil, func(conn net.Conn, r *bufio.Reader) {
			request, _ := http.ReadRequest(r)
			body, _ := io.ReadAll(request.Body)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"+string(body))
		})
		began := time.Now()
		r := request(t, http.MethodPost, strings.NewReader("body"))
		r.Header.Set("Expect", "100-continue")
		if _, body, err := exchange(client, r); err != nil || body != "body" || time.Since(began) != time.Second {
			t.Errorf("%q, %v after %v", body, err, time.Since(began))
		}
	})
}
