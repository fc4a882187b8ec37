package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/proxy"
)

// recorder is an upstream that keeps every byte it gets.
type recorder struct {
	mu    sync.Mutex
	conns []*bytes.Buffer
}

// record starts a recorder, which takes one request from each connection.
func record(t *testing.T) (*recorder, string) {
	t.Helper()
	rec := &recorder{}
	return rec, rawBackend(t, func(c *raw) {
		reader := bufio.NewReader(io.TeeReader(c.Conn, rec.conn()))
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
		if request.Method != http.MethodHead {
			answer += "ok"
		}
		_, _ = io.WriteString(c.Conn, answer)
	})
}

// conn is where the bytes of one more connection go.
func (rec *recorder) conn() io.Writer {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	b := new(bytes.Buffer)
	rec.conns = append(rec.conns, b)
	return locked{&rec.mu, b}
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// requests are the request lines with mark in them that came. It reports
// framing that not every upstream reads alike.
func (rec *recorder) requests(t *testing.T, name, mark string) (lines []string) {
	t.Helper()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, conn := range rec.conns {
		line, _, _ := strings.Cut(conn.String(), "\r\n")
		if strings.Contains(line, mark) {
			lines = append(lines, strings.Replace(strings.TrimSuffix(line, " HTTP/1.1"), mark, "", 1))
			judge(t, name, conn.String())
		}
	}
	return lines
}

// judge reports a request of which an upstream could think otherwise.
func judge(t *testing.T, name, text string) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	if bare := strings.ReplaceAll(head, "\r\n", ""); strings.ContainsAny(bare, "\r\n\x00") {
		t.Errorf("%s: a bare CR, LF or NUL reached the upstream: %q", name, head)
	}
	lengths, codings := 0, 0
	for field := range strings.SplitSeq(head, "\r\n") {
		field, value, _ := strings.Cut(field, ":")
		switch textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(field)) {
		case "Content-Length":
			lengths++
			if strings.Trim(value, " 0123456789") != "" {
				t.Errorf("%s: length %q reached the upstream", name, value)
			}
		case "Transfer-Encoding":
			codings++
			if strings.TrimSpace(value) != "chunked" {
				t.Errorf("%s: coding %q reached the upstream", name, value)
			}
		}
	}
	if lengths+codings > 1 {
		t.Errorf("%s: %d lengths and %d codings reached the upstream: %q", name, lengths, codings, head)
	}
	if codings > 0 && strings.Contains(body, ";") {
		t.Errorf("%s: chunk extensions reached the upstream: %q", name, body)
	}
}

// next is a request that must never be seen by itself.
const next = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"

// Requests that servers and proxies have been seen to read differently. What is
// not refused reaches the upstream as one request with one length.
var ambiguous = map[string]string{
	"CL and TE":                     post("Content-Length: 4", "Transfer-Encoding: chunked") + "0\r\n\r\n" + next,
	"TE and CL":                     post("Transfer-Encoding: chunked", fmt.Sprintf("Content-Length: %d", 5+len(next))) + "0\r\n\r\n" + next,
	"TE alone, and more":            post("Transfer-Encoding: chunked") + "0\r\n\r\n" + next,
	"two TE":                        post("Transfer-Encoding: chunked", "Transfer-Encoding: identity") + "0\r\n\r\n" + next,
	"two TE, one unknown":           post("Transfer-Encoding: chunked", "Transfer-Encoding: cow") + "0\r\n\r\n" + next,
	"TE list":                       post("Transfer-Encoding: chunked, identity") + "0\r\n\r\n" + next,
	"TE list, chunked last":         post("Transfer-Encoding: gzip, chunked") + "0\r\n\r\n" + next,
	"TE twice chunked":              post("Transfer-Encoding: chunked, chunked") + "0\r\n\r\n" + next,
	"TE xchunked":                   post("Transfer-Encoding: xchunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE quoted":                     post(`Transfer-Encoding: "chunked"`, "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE with parameter":             post("Transfer-Encoding: chunked;a=b", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE empty":                      post("Transfer-Encoding:", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE with a space before colon":  post("Transfer-Encoding : chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE with a tab before colon":    post("Transfer-Encoding\t: chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE after a space":              post(" Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE with vertical tab":          post("Transfer-Encoding: \x0bchunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE with NUL":                   post("Transfer-Encoding: chunked\x00", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE behind a bare CR":           post("X: y\rTransfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE behind a bare LF":           post("X: y\nTransfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE folded":                     post("X: y\r\n Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE folded inside":              post("Transfer-Encoding:\r\n chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE in another case":            post("tRANSFER-eNCODING: CHUNKED", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE with underscore":            post("Transfer_Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + next,
	"TE in HTTP/1.0":                "POST /first HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next,
	"two CL":                        post("Content-Length: 5", fmt.Sprintf("Content-Length: %d", 5+len(next))) + "hello" + next,
	"CL list":                       post("Content-Length: 5, 5") + "hello" + next,
	"CL list of two":                post("Content-Length: 5, 6") + "hello" + next,
	"CL with sign":                  post("Content-Length: +5") + "hello" + next,
	"CL negative":                   post("Content-Length: -1") + next,
	"CL in hex":                     post("Content-Length: 0x5") + "hello" + next,
	"CL with underscore":            post("Content-Length: 1_0") + "hello12345" + next,
	"CL with space inside":          post("Content-Length: 1 0") + "hello12345" + next,
	"CL too large":                  post("Content-Length: 99999999999999999999") + next,
	"CL empty":                      post("Content-Length:") + next,
	"CL with a space before colon":  post("Content-Length : 5") + "hello" + next,
	"CL folded":                     post("Content-Length:\r\n 5") + "hello" + next,
	"CL behind a bare CR":           post("X: y\rContent-Length: 5") + next,
	"chunk with bare LF":            chunked("5\nhello\r\n0\r\n\r\n") + next,
	"chunk extension with bare LF":  chunked("5;x\nhello\r\n0\r\n\r\n") + next,
	"chunk extension with bare CR":  chunked("5;x\ry\r\nhello\r\n0\r\n\r\n") + next,
	"chunk without CRLF":            chunked("5\r\nhelloXX0\r\n\r\n") + next,
	"chunk with LF after data":      chunked("5\r\nhello\n0\r\n\r\n") + next,
	"chunk of negative size":        chunked("-5\r\nhello\r\n0\r\n\r\n") + next,
	"chunk size in 0x":              chunked("0x5\r\nhello\r\n0\r\n\r\n") + next,
	"chunk size with sign":          chunked("+5\r\nhello\r\n0\r\n\r\n") + next,
	"chunk size with space":         chunked("5 \r\nhello\r\n0\r\n\r\n") + next,
	"chunk size that overflows":     chunked("10000000000000005\r\nhello\r\n0\r\n\r\n") + next,
	"chunk size of many zeros":      chunked(strings.Repeat("0", 5000) + "5\r\nhello\r\n0\r\n\r\n"),
	"chunk size that is empty":      chunked("\r\nhello\r\n0\r\n\r\n") + next,
	"chunk extension":               chunked("5;name=value\r\nhello\r\n0\r\n\r\n"),
	"chunk extension that is long":  chunked("5;" + strings.Repeat("x", 64<<10) + "\r\nhello\r\n0\r\n\r\n"),
	"chunk extensions without end":  chunked(strings.Repeat("1;"+strings.Repeat("x", 100)+"\r\na\r\n", 5000) + "0\r\n\r\n"),
	"trailer that is a length":      chunked("5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n") + next,
	"trailer that is a coding":      chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n") + next,
	"trailer with bare LF":          chunked("5\r\nhello\r\n0\r\nX: y\n\n") + next,
	"line with bare LF":             "GET /first HTTP/1.1\nHost: a.test\n\n",
	"line with bare CR":             "GET /first HTTP/1.1\rHost: a.test\r\n\r\n" + next,
	"line with a tab":               "GET\t/first\tHTTP/1.1\r\nHost: a.test\r\n\r\n" + next,
	"line with two spaces":          "GET  /first HTTP/1.1\r\nHost: a.test\r\n\r\n" + next,
	"line of HTTP/0.9":              "GET /first\r\n\r\n" + next,
	"line of HTTP/1.2":              "GET /first HTTP/1.2\r\nHost: a.test\r\n\r\n" + next,
	"line of HTTP/11":               "GET /first HTTP/11\r\nHost: a.test\r\n\r\n" + next,
	"line with NUL":                 "GET /fir\x00st HTTP/1.1\r\nHost: a.test\r\n\r\n" + next,
	"method with CTL":               "GE\x01T /first HTTP/1.1\r\nHost: a.test\r\n\r\n" + next,
	"method with colon":             "GET: /first HTTP/1.1\r\nHost: a.test\r\n\r\n" + next,
	"field name with NUL":           post("X\x00Y: z") + next,
	"field name with CTL":           post("X\x7fY: z") + next,
	"field name that is empty":      post(": z") + next,
	"field without colon":           post("Transfer-Encoding chunked") + next,
	"field value with NUL":          post("X: a\x00b") + next,
	"field value with CTL":          post("X: a\x01b") + next,
	"two Hosts":                     post("Host: b.test") + next,
	"no Host":                       "GET /first HTTP/1.1\r\n\r\n" + next,
	"Host with a path":              "GET /first HTTP/1.1\r\nHost: a.test/b\r\n\r\n" + next,
	"Host with a space":             "GET /first HTTP/1.1\r\nHost: a.test b.test\r\n\r\n" + next,
	"Host folded":                   "GET /first HTTP/1.1\r\nHost: a.test\r\n b.test\r\n\r\n" + next,
	"field before the first folded": "GET /first HTTP/1.1\r\n X: y\r\nHost: a.test\r\n\r\n" + next,
	"upgrade to h2c with a body":    post("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Content-Length: 0"),
	"Connection names the length":   post("Connection: Content-Length", "Content-Length: 5") + "hello",
	"Connection names the coding":   post("Connection: Transfer-Encoding", "Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n",
	"Expect that is unknown":        post("Expect: 200-maybe", "Content-Length: 5") + "hello" + next,
	"GET with a body":               "GET /first HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
	"HEAD with a body":              "HEAD /first HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
}

func post(fields ...string) string {
	return "POST /first HTTP/1.1\r\nHost: a.test\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

func chunked(body string) string { return post("Transfer-Encoding: chunked") + body }

// By RFC 9112 these end where next begins, which then is a request of its own.
var pipelined = []string{"CL folded", "TE folded", "TE with underscore", "line of HTTP/1.2"}

func TestNoRequestIsSmuggledToTheUpstream(t *testing.T) {
	rec, up := record(t)
	cfg := plain(proxyTo(up))
	cfg.Timeouts = proxy.Timeouts{ReadHeader: 300 * time.Millisecond, ReadBody: 300 * time.Millisecond, Idle: 20 * time.Millisecond}
	server := start(t, cfg)
	n := 0
	for name, text := range ambiguous {
		n++
		mark := fmt.Sprintf("-%d-", n)
		text = strings.NewReplacer("/first", "/first"+mark, "/smuggled", "/smuggled"+mark).Replace(text)
		status := say(t, server.addr(loopback), text)
		requests := rec.requests(t, name, mark)
		for i, request := range requests {
			_, path, _ := strings.Cut(request, " ")
			if i > 1 || i == 0 && path != "/first" || i == 1 && (path != "/smuggled" || !slices.Contains(pipelined, name)) {
				t.Errorf("%s: the upstream saw %q", name, requests)
			}
		}
		if len(requests) == 0 && status < 400 {
			t.Errorf("%s: refused with status %d", name, status)
		}
	}
	requestsGoOn(t, server)
}

// say sends text on a connection of its own and gives the status of the first
// answer, 0 for none, when the server has no more to say.
func say(t *testing.T, addr, text string) int {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(conn, text) // it may be refused half-way
	answer, _ := io.ReadAll(conn)
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		return 0
	}
	return response.StatusCode
}

// requestsGoOn fails unless other clients are served.
func requestsGoOn(t *testing.T, server *running) {
	t.Helper()
	if response, text := get(t, server.client(loopback), "http://a.test/first"); text != "ok" {
		t.Errorf("the next client got %s %q", response.Status, text)
	}
}
