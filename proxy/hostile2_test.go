package proxy_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// rude is a client of HTTP/2 that sends what it likes.
type rude struct {
	*http2.Framer
	t    *testing.T
	conn *tls.Conn
	last uint32 // stream
}

func (r *running) rude(configured string) *rude {
	r.t.Helper()
	conn, err := tls.Dial("tcp", r.addr(configured), &tls.Config{RootCAs: rootsOf(r.tls), ServerName: "a.test", NextProtos: []string{"h2"}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	c := &rude{http2.NewFramer(conn, conn), r.t, conn, 0}
	c.AllowIllegalWrites = true
	_ = c.WriteSettings()
	_ = c.WriteSettingsAck()
	return c
}

// block is a header block of "name: value" lines, with nothing checked.
func block(lines ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, line := range lines {
		name, value, _ := strings.Cut(line[1:], ": ")
		_ = e.WriteField(hpack.HeaderField{Name: line[:1] + name, Value: value})
	}
	return b.Bytes()
}

// open sends a request without a body, and a body if there is one.
func (c *rude) open(body string, lines ...string) uint32 {
	c.last += 2
	id := c.last - 1
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block(lines...), EndHeaders: true, EndStream: body == ""})
	if body != "" {
		_ = c.WriteData(id, true, []byte(body))
	}
	return id
}

// outcome waits for what becomes of a stream: a status, or what ended it.
func (c *rude) outcome(id uint32) string {
	decoder := hpack.NewDecoder(4096, nil)
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			return "goaway " + f.ErrCode.String()
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return "reset " + f.ErrCode.String()
			}
		case *http2.HeadersFrame:
			fields, err := decoder.DecodeFull(f.HeaderBlockFragment())
			if err != nil {
				return err.Error()
			}
			if f.StreamID == id {
				return fields[0].Value
			}
		}
	}
}

var plainRequest = []string{":method: POST", ":scheme: https", ":authority: a.test", ":path: /first"}

// with is plainRequest with other or more fields; an empty value leaves one out.
func with(lines ...string) []string {
	all := append([]string(nil), plainRequest...)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		replaced := false
		for i, known := range all {
			if strings.HasPrefix(known, name+": ") && strings.HasPrefix(name, ":") && !replaced {
				all[i], replaced = line, true
			}
		}
		if !replaced {
			all = append(all, line)
		}
		if value == "" && replaced {
			for i, known := range all {
				if known == line {
					all = append(all[:i:i], all[i+1:]...)
					break
				}
			}
		}
	}
	return all
}

// harmless are those that need not be refused: they have one meaning all the
// same, which reaches the upstream escaped or without what contradicts it.
var harmless = []string{"scheme of another kind", "path with a space", "path is a URL", "path is a star", "body that is a request"}

type disguise struct {
	lines []string
	body  string
}

// disguised are requests that a careless proxy turns into something else over
// HTTP/1.
func disguised(up string) map[string]disguise {
	const more = " HTTP/1.1\r\nHost: a.test\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
	return map[string]disguise{
		"path with a request":          {with(":path: /first" + more), ""},
		"path with a space":            {with(":path: /first HTTP/1.1"), ""},
		"path with LF":                 {with(":path: /first\nX: y"), ""},
		"path with NUL":                {with(":path: /first\x00"), ""},
		"path empty":                   {with(":path: "), ""},
		"path without slash":           {with(":path: first"), ""},
		"path is a URL":                {with(":path: http://b.test/first"), ""},
		"path is a star":               {with(":path: *"), ""},
		"two paths":                    {append(with(), ":path: /smuggled"), ""},
		"pseudo-header after a field":  {append([]string{"x: y"}, plainRequest...), ""},
		"unknown pseudo-header":        {with(":smuggled: GET /smuggled"), ""},
		"pseudo-header of a response":  {with(":status: 200"), ""},
		"method with a request":        {with(":method: GET /smuggled" + more + "POST"), ""},
		"method with a space":          {with(":method: GET /smuggled"), ""},
		"method with CRLF":             {with(":method: GET\r\nX: y"), ""},
		"no method":                    {plainRequest[1:], ""},
		"scheme with a request":        {with(":scheme: https://a.test/smuggled HTTP/1.1\r\nX: "), ""},
		"scheme of another kind":       {with(":scheme: gopher"), ""},
		"authority with CRLF":          {with(":authority: a.test\r\nX: y"), ""},
		"authority with a request":     {with(":authority: a.test\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test"), ""},
		"authority with a user":        {with(":authority: b.test@a.test"), ""},
		"authority with a path":        {with(":authority: a.test/smuggled"), ""},
		"authority with a space":       {with(":authority: a.test b.test"), ""},
		"another host":                 {with("host: b.test"), ""},
		"value with CRLF":              {with("x: y\r\nTransfer-Encoding: chunked"), ""},
		"value with a request":         {with("x: y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"), ""},
		"value with LF":                {with("x: y\nContent-Length: 50"), ""},
		"value with NUL":               {with("x: y\x00"), ""},
		"name with CRLF":               {with("x: y", "z\r\nTransfer-Encoding: chunked\r\nx: y"), ""},
		"name with a colon":            {with("transfer-encoding:chunked: y"), ""},
		"name with a space":            {with("transfer-encoding : chunked"), ""},
		"name in capitals":             {with("Transfer-Encoding: chunked"), ""},
		"name that is empty":           {with(" : y"), ""},
		"transfer-encoding":            {with("transfer-encoding: chunked"), "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		"connection":                   {with("connection: close"), ""},
		"connection names the length":  {with("connection: content-length", "content-length: 5"), "hello"},
		"upgrade":                      {with("upgrade: websocket", "connection: upgrade"), ""},
		"te":                           {with("te: gzip"), ""},
		"length too small":             {with("content-length: 1"), "hello" + "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		"length too large":             {with("content-length: 100"), "hello"},
		"length 0 and a body":          {with("content-length: 0"), "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		"two lengths":                  {with("content-length: 5", "content-length: 50"), "hello"},
		"length with sign":             {with("content-length: +5"), "hello"},
		"length list":                  {with("content-length: 5, 5"), "hello"},
		"length in words":              {with("content-length: five"), "hello"},
		"length of a body that is not": {with("content-length: 44"), ""},
		"body that is a request":       {with(), "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		"cookie with CRLF":             {with("cookie: a=b", "cookie: c=d\r\nX: y"), ""},
		"extended connect":             {with(":method: CONNECT", ":protocol: websocket"), ""},
		"CONNECT":                      {[]string{":method: CONNECT", ":authority: " + up}, ""},
	}
}

// through sends all disguised requests, and looks at what comes out.
func through(t *testing.T, send func(server *running, body string, lines ...string) (outcome string)) {
	t.Helper()
	rec, up := record(t)
	server := start(t, secure(proxyTo(up)))
	n := 0
	for name, c := range disguised(up) {
		n++
		mark := fmt.Sprintf("-%d-", n)
		replace := strings.NewReplacer("/first", "/first"+mark, "/smuggled", "/smuggled"+mark)
		var lines []string
		for _, line := range c.lines {
			lines = append(lines, replace.Replace(line))
		}
		outcome := send(server, replace.Replace(c.body), lines...)
		for i, request := range rec.requests(t, name, mark) {
			if i > 0 || !strings.HasPrefix(request, "POST /first") {
				t.Errorf("%s: the upstream saw %q", name, request)
			}
		}
		if name == "length 0 and a body" {
			continue // the answer to the request without a body may come before the body
		}
		if refused := strings.HasPrefix(outcome, "reset") || strings.HasPrefix(outcome, "4"); !refused && !slices.Contains(harmless, name) {
			t.Errorf("%s: %s", name, outcome)
		}
	}
}

func TestNoRequestIsSmuggledThroughHTTP2(t *testing.T) {
	through(t, func(server *running, body string, lines ...string) string {
		client := server.rude(loopback)
		defer client.conn.Close()
		return client.outcome(client.open(body, lines...))
	})
}

func TestNoRequestIsSmuggledThroughHTTP3(t *testing.T) {
	through(t, func(server *running, body string, lines ...string) string {
		conn, err := quic.DialAddr(t.Context(), server.addr(loopback),
			&tls.Config{RootCAs: rootsOf(server.tls), ServerName: "a.test", NextProtos: []string{"h3"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.CloseWithError(0, "") }()
		stream, err := conn.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.SetDeadline(time.Now().Add(10 * time.Second))
		var fields bytes.Buffer
		encoder := qpack.NewEncoder(&fields)
		for _, line := range lines {
			name, value, _ := strings.Cut(line[1:], ": ")
			_ = encoder.WriteField(qpack.HeaderField{Name: line[:1] + name, Value: value})
		}
		frames := frame3(1, fields.Bytes())
		if body != "" {
			frames = append(frames, frame3(0, []byte(body))...)
		}
		_, _ = stream.Write(frames)
		_ = stream.Close()
		return outcome3(stream)
	})
}

// frame3 is a frame of HTTP/3 (RFC 9114 §7.1).
func frame3(kind uint64, payload []byte) []byte {
	return append(quicvarint.Append(quicvarint.Append(nil, kind), uint64(len(payload))), payload...)
}

// outcome3 is the status that a stream is answered with, or what ended it.
func outcome3(stream *quic.Stream) string {
	answer, err := io.ReadAll(stream)
	r := bytes.NewReader(answer)
	if _, readErr := quicvarint.Read(r); readErr != nil {
		return "reset " + fmt.Sprint(err)
	}
	length, _ := quicvarint.Read(r)
	block := make([]byte, length)
	_, _ = io.ReadFull(r, block)
	next := qpack.NewDecoder().Decode(block)
	field, err := next()
	if err != nil {
		return err.Error()
	}
	return field.Value
}

// flooded runs a flood on one connection, and looks after it how others fare.
func flooded(t *testing.T, flood func(c *rude) error) {
	t.Helper()
	var most, now atomic.Int64
	up := backend(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if r.URL.Path == "/slow" {
			select {
			case <-r.Context().Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
		_, _ = io.WriteString(w, "ok")
	})
	server := start(t, secure(proxyTo(up)))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := server.rude(loopback)
	err := flood(c)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the flood keeps %d MiB", grown>>20)
	}
	if most.Load() > 250 {
		t.Errorf("%d requests at a time reached the upstream, of one connection that may have 250", most.Load())
	}
	if response, text := get(t, server.client(loopback), "https://a.test/"); text != "ok" {
		t.Errorf("the next client got %s %q", response.Status, text)
	}
	t.Logf("ended by: %v; at most %d requests at a time", err, most.Load())
	_ = c.conn.Close()
	eventually(t, "the end of the flood's requests", func() bool { return now.Load() == 0 })
}

// drainFrames reads what the server says, so that it is not held up.
func (c *rude) drainFrames() <-chan error {
	ended := make(chan error, 1)
	go func() {
		for {
			f, err := c.ReadFrame()
			if goaway, ok := f.(*http2.GoAwayFrame); ok {
				ended <- errors.New("goaway " + goaway.ErrCode.String())
				return
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	return ended
}

// until repeats an action until the server has enough, or n times.
func (c *rude) until(ended <-chan error, n int, action func(i int) error) error {
	for i := range n {
		select {
		case err := <-ended:
			return err
		default:
		}
		if err := action(i); err != nil {
			select {
			case why := <-ended:
				return why
			case <-time.After(time.Second):
				return err
			}
		}
	}
	return nil
}

func TestRapidResetsAreBounded(t *testing.T) {
	flooded(t, func(c *rude) error {
		return c.until(c.drainFrames(), 5_000, func(int) error {
			id := c.open("", ":method: GET", ":scheme: https", ":authority: a.test", ":path: /slow")
			return c.WriteRSTStream(id, http2.ErrCodeCancel)
		})
	})
}

func TestContinuationFloodEndsTheConnection(t *testing.T) {
	flooded(t, func(c *rude) error {
		_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(plainRequest...)})
		fragment := block("x: " + strings.Repeat("y", 8000))
		err := c.until(c.drainFrames(), 5_000, func(int) error { return c.WriteContinuation(1, false, fragment) })
		if err == nil {
			t.Error("40 MB of header were taken")
		}
		return err
	})
}

// A client that asks for acknowledgements and does not read them is not owed more than
// the server likes to keep.
func TestFloodsOfControlFramesAreBounded(t *testing.T) {
	for name, action := range map[string]func(c *rude) error{
		"ping": func(c *rude) error { return c.WritePing(false, [8]byte{}) },
		"settings": func(c *rude) error {
			return c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
		},
		"priority":      func(c *rude) error { return c.WritePriority(1, http2.PriorityParam{StreamDep: 3}) },
		"window update": func(c *rude) error { return c.WriteWindowUpdate(0, 1) },
		"empty data":    func(c *rude) error { return c.WriteData(1, false, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			flooded(t, func(c *rude) error {
				if name == "empty data" {
					_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(with(":path: /slow")...), EndHeaders: true})
				}
				_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a server that stops reading is bounded too
				return c.until(make(chan error), 20_000, func(int) error { return action(c) })
			})
		})
	}
}

// Header tables and lists of many small fields are bounded as one large one is.
func TestManySmallFieldsAreRefused(t *testing.T) {
	server := start(t, secure(respond("ok")))
	c := server.rude(loopback)
	lines := append([]string(nil), plainRequest...)
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("x%d: y", i))
	}
	text := block(lines...)
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: text[:16000], EndStream: true})
	for text = text[16000:]; len(text) > 16000; text = text[16000:] {
		_ = c.WriteContinuation(1, false, text[:16000])
	}
	_ = c.WriteContinuation(1, true, text)
	if got := c.outcome(1); got != "431" && !strings.HasPrefix(got, "goaway") {
		t.Errorf("outcome = %s, want 431 or the end", got)
	}
}
