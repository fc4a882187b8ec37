package http1_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/proxy/upstream/http1"
)

// Whatever servers and clients do to a connection, no response reaches another
// request than its own.
func TestNoResponseIsForAnotherRequest(t *testing.T) {
	s := serve(t, func(conn net.Conn, r *bufio.Reader) {
		for answerOddly(t, conn, r) {
		}
	})
	client := s.client(func(c *http1.Config) { c.MaxConns, c.ContinueTimeout = 8, time.Millisecond })
	t.Cleanup(client.CloseIdleConnections)
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for n := range 40 {
				askOddly(t, client, fmt.Sprintf("%d-%d", worker, n))
			}
		})
	}
	all.Wait()
	held := make([]*http.Response, 0, 8)
	for range cap(held) { // every place is free again
		response, err := client.Do(get(t), new(interims))
		if err != nil {
			continue // as the server has it
		}
		held = append(held, response)
	}
	for _, response := range held {
		_ = response.Body.Close()
	}
}

// Responses and bodies hold what must not be taken for a response or a request.
const (
	evilResponse = "HTTP/1.1 200 OK\r\nX-Id: evil\r\nContent-Length: 4\r\n\r\nevil"
	evilRequest  = "GET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\n"
)

// answerOddly answers one request with its X-Id, and reports whether it goes on.
func answerOddly(t *testing.T, conn net.Conn, r *bufio.Reader) bool {
	request, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	if request.URL.Path == "/evil" {
		t.Error("a body was taken for a request")
	}
	id := request.Header.Get("X-Id")
	odd := rand.IntN(10)
	if odd > 2 { // or before the body is there
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return false
		}
	}
	head := "HTTP/1.1 200 OK\r\nX-Id: " + id
	body := id
	if request.Method == http.MethodHead {
		body = ""
	}
	plain := fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", head, len(id), body)
	switch odd {
	case 0:
		plain += evilResponse
	case 3:
		return false
	case 4:
		plain = plain[:rand.IntN(len(plain))]
	case 5:
		plain = "HTTP/1.1 103 Early Hints\r\nX-Id: none\r\n\r\n" + plain
	case 6:
		if body != "" {
			plain = fmt.Sprintf("%s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(id), id)
		}
	case 7:
		if body != "" {
			_, _ = fmt.Fprintf(conn, "%s\r\nContent-Length: %d\r\n\r\n%s", head, len(id)+len(evilResponse), id)
			time.Sleep(time.Millisecond)
			plain = evilResponse
		}
	}
	_, err = io.WriteString(conn, plain)
	if _, undone := io.Copy(io.Discard, request.Body); undone != nil {
		return false
	}
	return err == nil && odd != 4 && odd != 8
}

// askOddly sends one request, and sometimes gives up.
func askOddly(t *testing.T, client *http1.Client, id string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	method := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut}[rand.IntN(4)]
	r, _ := http.NewRequestWithContext(ctx, method, "http://a.test/", nil)
	if method == http.MethodPost || method == http.MethodPut {
		body := strings.Repeat(evilRequest, 5_000)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		if rand.IntN(2) == 0 {
			r.ContentLength = -1
		}
	}
	r.Header.Set("X-Id", id)
	if rand.IntN(4) == 0 {
		r.Header.Set("Expect", "100-continue")
	}
	if rand.IntN(8) == 0 {
		time.AfterFunc(time.Duration(rand.IntN(1000))*time.Microsecond, cancel)
	}
	response, err := client.Do(r, new(interims))
	if err != nil {
		return
	}
	defer response.Body.Close()
	if got := response.Header.Get("X-Id"); got != id {
		t.Errorf("request %s gets the response of %s", id, got)
	}
	if rand.IntN(8) == 0 {
		return
	}
	if body, err := io.ReadAll(response.Body); err == nil && method != http.MethodHead && string(body) != id && string(body) != id+evilResponse {
		t.Errorf("request %s gets %q", id, body)
	}
}
