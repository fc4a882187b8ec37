package encode_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"dwaar/proxy/encode"
)

var page = strings.Repeat("All work and no play makes Jack a dull boy. ", 200)

// serve answers one request by a handler behind an encoder.
func serve(t *testing.T, c encode.Config, h http.HandlerFunc, r *http.Request) *http.Response {
	t.Helper()
	e, err := encode.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e.Wrap(h))
	t.Cleanup(server.Close)
	r.RequestURI = ""
	r.URL.Scheme, r.URL.Host = "http", server.Listener.Addr().String()
	response, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func asked(method, accept string) *http.Request {
	r := httptest.NewRequest(method, "/", nil)
	if accept != "" {
		r.Header.Set("Accept-Encoding", accept)
	}
	return r
}

// says answers with fields, given as pairs, and a body.
func says(body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := 0; i < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		_, _ = io.WriteString(w, body)
	}
}

func decoded(t *testing.T, coding string, body io.Reader) string {
	t.Helper()
	var from io.Reader
	var err error
	switch coding {
	case "":
		from = body
	case "gzip":
		from, err = gzip.NewReader(body)
	case "br":
		from = brotli.NewReader(body)
	case "zstd":
		from, err = zstd.NewReader(body, zstd.WithDecoderMaxWindow(8<<20)) // what browsers allow
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	return string(text)
}

func formats(names ...string) encode.Config {
	var c encode.Config
	for _, name := range names {
		c.Formats = append(c.Formats, encode.Format{Name: name})
	}
	return c
}

func TestTheClientGetsTheCodingItLikesBest(t *testing.T) {
	all := formats("zstd", "br", "gzip")
	for _, c := range []struct {
		config       encode.Config
		accept, want string
	}{
		{all, "gzip", "gzip"},
		{all, "br, gzip", "br"},
		{all, "gzip, zstd", "zstd"},
		{all, "gzip, zstd;q=0.5", "gzip"},
		{all, "", ""},
		{all, "deflate", ""},
		{encode.Config{}, "br, zstd, gzip", "zstd"},
		{encode.Config{}, "br", ""},
		{formats("gzip", "zstd"), "zstd, gzip", "gzip"},
	} {
		response := serve(t, c.config, says(page, "Content-Length", strconv.Itoa(len(page))), asked("GET", c.accept))
		if got := response.Header.Get("Content-Encoding"); got != c.want || decoded(t, got, response.Body) != page {
			t.Errorf("%q gets %q, want %q", c.accept, got, c.want)
		}
		if c.want == "" != (response.ContentLength == int64(len(page))) {
			t.Errorf("%q: length %d", c.accept, response.ContentLength)
		}
		if vary := response.Header.Get("Vary"); vary != "Accept-Encoding" {
			t.Errorf("%q: Vary %q", c.accept, vary)
		}
	}
}

func TestEveryLevelIsReadable(t *testing.T) {
	for name, levels := range map[string][]string{
		"gzip": {"1", "9"}, "br": {"0", "11"}, "zstd": {"fastest", "default", "better", "best"},
	} {
		for _, level := range levels {
			c := encode.Config{Formats: []encode.Format{{Name: name, Level: level}}}
			response := serve(t, c, says(page), asked("GET", name))
			if got := decoded(t, response.Header.Get("Content-Encoding"), response.Body); got != page || response.Header.Get("Content-Encoding") != name {
				t.Errorf("%s %s: %d bytes", name, level, len(got))
			}
		}
	}
}

func TestWhatIsNotWorthItOrNotAllowedIsLeftAlone(t *testing.T) {
	long := strconv.Itoa(len(page))
	for name, h := range map[string]http.HandlerFunc{
		"short":               says(page[:511]),
		"short, length known": says(page[:511], "Content-Length", "511"),
		"encoded already":     says(page, "Content-Encoding", "br"),
		"image":               says(page, "Content-Type", "image/png", "Content-Length", long),
		"no-transform":        says(page, "Cache-Control", "public, No-Transform"),
		"part":                says(page, "Content-Range", "bytes 0-8800/90000"),
		"sniffed as an image": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\x89PNG\r\n\x1a\n"+page) },
		"type was taken away": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, page)
		},
		"flushed while short": func(w http.ResponseWriter, _ *http.Request) {
			says("x")(w, nil)
			flush(w)
			_, _ = io.WriteString(w, page)
		},
		"events": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			flush(w)
			_, _ = io.WriteString(w, page)
		},
	} {
		response := serve(t, formats("gzip"), h, asked("GET", "gzip"))
		if got := response.Header.Get("Content-Encoding"); got == "gzip" || response.Header.Get("Vary") != "" {
			t.Errorf("%s: Content-Encoding %q, Vary %q", name, got, response.Header.Get("Vary"))
		}
		if body := decoded(t, "", response.Body); !strings.HasSuffix(page, body[max(0, len(body)-500):]) && len(body) > 600 {
			t.Errorf("%s: body of %d bytes", name, len(body))
		}
	}
	r := asked("GET", "gzip")
	r.Header.Set("Cache-Control", "no-transform")
	if response := serve(t, formats("gzip"), says(page), r); response.Header.Get("Content-Encoding") != "" {
		t.Error("a request with no-transform is answered encoded")
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

func TestStatusesWithoutABodyKeepTheirHeader(t *testing.T) {
	for _, status := range []int{204, 304} {
		h := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(status)
		}
		response := serve(t, formats("gzip"), h, asked("GET", "gzip"))
		if response.StatusCode != status || response.Header.Get("Content-Encoding") != "" || response.Header.Get("Etag") != `"x"` {
			t.Errorf("%d: %v", response.StatusCode, response.Header)
		}
		if got := response.Header.Get("Vary"); (got != "") != (status == 304) {
			t.Errorf("%d: Vary %q", status, got)
		}
	}
}

func TestHeadHasTheHeaderOfGet(t *testing.T) {
	h := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Accept-Ranges", "bytes")
		w.WriteHeader(http.StatusOK)
	}
	response := serve(t, formats("gzip"), h, asked("HEAD", "gzip"))
	want := http.Header{"Content-Encoding": {"gzip"}, "Etag": {`"x-gzip"`}, "Vary": {"Accept-Encoding"}, "Accept-Ranges": nil}
	for field := range want {
		if got := response.Header.Get(field); got != want.Get(field) {
			t.Errorf("%s = %q, want %q", field, got, want.Get(field))
		}
	}
	if response.ContentLength != -1 || decoded(t, "", response.Body) != "" {
		t.Errorf("HEAD: length %d", response.ContentLength)
	}
}

func TestETagsAndConditions(t *testing.T) {
	// h is a handler that knows its own ETag and nothing of codings.
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Content-Type", "text/plain")
		http.ServeContent(w, r, "", zero, strings.NewReader(page))
	}
	for _, c := range []struct {
		accept, ifNoneMatch, etag string
		status                    int
	}{
		{"gzip", "", `"x-gzip"`, 200},
		{"zstd", "", `"x-zstd"`, 200},
		{"", "", `"x"`, 200},
		{"gzip", `"x-gzip"`, `"x-gzip"`, 304},
		{"gzip", `"a-gzip", W/"x-gzip"`, `"x-gzip"`, 304},
		{"gzip", `"x"`, `"x"`, 304},
		{"gzip", `"x-zstd"`, `"x-gzip"`, 200},
		{"", `"x-gzip"`, `"x"`, 200},
		{"gzip", `"y-gzip"`, `"x-gzip"`, 200},
	} {
		r := asked("GET", c.accept)
		if c.ifNoneMatch != "" {
			r.Header.Set("If-None-Match", c.ifNoneMatch)
		}
		response := serve(t, formats("gzip", "zstd"), h, r)
		if response.StatusCode != c.status || response.Header.Get("Etag") != c.etag {
			t.Errorf("%+v: %d %s", c, response.StatusCode, response.Header.Get("Etag"))
		}
		if c.ifNoneMatch != "" && r.Header.Get("If-None-Match") != c.ifNoneMatch {
			t.Errorf("%+v: the client's header was changed", c)
		}
	}
	weak := serve(t, formats("gzip"), says(page, "ETag", `W/"x"`), asked("GET", "gzip"))
	if got := weak.Header.Get("Etag"); got != `W/"x"` {
		t.Errorf("a weak ETag becomes %s", got)
	}
	foreign := says(page, "ETag", `"x-gzip"`, "Content-Encoding", "gzip")
	if got := serve(t, formats("gzip"), foreign, asked("GET", "gzip")).Header.Get("Etag"); got != `"x-gzip"` {
		t.Errorf("the ETag of who encoded itself becomes %s", got)
	}
}

func TestPartsArePartsOfWhatIsNotEncoded(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Content-Type", "text/plain")
		http.ServeContent(w, r, "", zero, strings.NewReader(page))
	}
	for _, c := range []struct {
		ifRange, ifMatch string
		status           int
		coding           string
	}{
		{"", "", 206, ""},
		{`"x"`, "", 206, ""},
		{`"x-gzip"`, "", 200, "gzip"},
		{"", `"x"`, 206, ""},
		{"", `"x-gzip"`, 412, ""},
	} {
		r := asked("GET", "gzip")
		r.Header.Set("Range", "bytes=4-7")
		if c.ifRange != "" {
			r.Header.Set("If-Range", c.ifRange)
		}
		if c.ifMatch != "" {
			r.Header.Set("If-Match", c.ifMatch)
		}
		response := serve(t, formats("gzip"), h, r)
		if response.StatusCode != c.status || response.Header.Get("Content-Encoding") != c.coding {
			t.Errorf("%+v: %d %v", c, response.StatusCode, response.Header)
		}
	}
	r := asked("GET", "gzip")
	r.Header.Set("If-Match", `"x-gzip"`)
	if response := serve(t, formats("gzip"), h, r); response.StatusCode != 200 {
		t.Errorf("If-Match of the encoded representation: %d", response.StatusCode)
	}
}

func TestAStreamIsFlushedThroughTheEncoder(t *testing.T) {
	for _, name := range []string{"gzip", "br", "zstd"} {
		first, more := make(chan struct{}), strings.Repeat("more ", 100)
		h := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, page)
			flush(w)
			<-first // until the client has read all of it
			_, _ = io.WriteString(w, more)
		}
		response := serve(t, formats(name), h, asked("GET", name))
		var from io.Reader = brotli.NewReader(response.Body)
		switch name {
		case "gzip":
			from, _ = gzip.NewReader(response.Body)
		case "zstd":
			from, _ = zstd.NewReader(response.Body, zstd.WithDecoderConcurrency(1))
		}
		got := make([]byte, len(page))
		if _, err := io.ReadFull(from, got); err != nil || string(got) != page {
			t.Fatalf("%s: %v", name, err)
		}
		close(first)
		if rest, err := io.ReadAll(from); err != nil || string(rest) != more {
			t.Errorf("%s: the rest is %q, %v", name, rest, err)
		}
	}
}

func TestAShortEventIsSentAtOnce(t *testing.T) {
	read := make(chan struct{})
	h := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		flush(w)
		<-read
	}
	response := serve(t, formats("gzip"), h, asked("GET", "gzip"))
	got := make([]byte, 9)
	if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != "data: 1\n\n" {
		t.Errorf("%q, %v", got, err)
	}
	close(read)
}

// An upstream that takes its time has its header sent ahead of its body.
func TestABodyThatComesAfterItsHeaderIsEncoded(t *testing.T) {
	h := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		flush(w)
		_, _ = io.WriteString(w, page)
	}
	response := serve(t, formats("gzip"), h, asked("GET", "gzip"))
	if response.Header.Get("Content-Encoding") != "gzip" || decoded(t, "gzip", response.Body) != page {
		t.Errorf("%v", response.Header)
	}
}

// Copying takes ReadFrom; small writes are held and counted.
func TestEveryWayOfWritingGivesTheSame(t *testing.T) {
	for name, write := range map[string]func(w http.ResponseWriter){
		"at once": func(w http.ResponseWriter) { _, _ = io.WriteString(w, page) },
		"copied":  func(w http.ResponseWriter) { _, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader(page)}) },
		"by letters": func(w http.ResponseWriter) {
			for i := range len(page) {
				_, _ = io.WriteString(w, page[i:i+1])
			}
		},
		"flushed": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, page[:600])
			flush(w)
			_, _ = io.WriteString(w, page[600:])
		},
		"no status": func(w http.ResponseWriter) { _, _ = w.Write(nil); _, _ = io.WriteString(w, page) },
	} {
		for _, accept := range []string{"gzip", ""} {
			h := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/css"); write(w) }
			response := serve(t, formats("gzip"), h, asked("GET", accept))
			if got := response.Header.Get("Content-Encoding"); got != accept || decoded(t, got, response.Body) != page {
				t.Errorf("%s, asked for %q: %q", name, accept, got)
			}
		}
	}
}

func TestContentTypeIsSniffedAsTheServerWould(t *testing.T) {
	h := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html>")
		_, _ = io.WriteString(w, page)
	}
	response := serve(t, formats("gzip"), h, asked("GET", "gzip"))
	if response.Header.Get("Content-Encoding") != "gzip" || response.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%v", response.Header)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		match encode.Match
		want  bool
	}{
		{encode.Match{Status: []int{200}}, true},
		{encode.Match{Status: []int{2}}, true},
		{encode.Match{Status: []int{404, 5}}, false},
		{encode.Match{Header: []encode.HeaderMatch{{Field: "content-type", Values: []string{"image/*"}}}}, true},
		{encode.Match{Header: []encode.HeaderMatch{{Field: "content-type", Values: []string{"text/*", "*/png"}}}}, true},
		{encode.Match{Header: []encode.HeaderMatch{{Field: "content-type", Values: []string{"*age*"}}, {Field: "X-A"}}}, true},
		{encode.Match{Header: []encode.HeaderMatch{{Field: "content-type", Values: []string{"image"}}}}, false},
		{encode.Match{Header: []encode.HeaderMatch{{Field: "X-B"}}}, false},
		{encode.Match{Status: []int{404}, Header: []encode.HeaderMatch{{Field: "X-A"}}}, false},
	} {
		config := formats("gzip")
		config.Match = &c.match
		response := serve(t, config, says(page, "Content-Type", "image/png", "X-A", "1"), asked("GET", "gzip"))
		if got := response.Header.Get("Content-Encoding") == "gzip"; got != c.want {
			t.Errorf("%+v: %v", c.match, got)
		}
	}
}

func TestMinLength(t *testing.T) {
	config := formats("gzip")
	for least, want := range map[int]string{len(page): "gzip", len(page) + 1: "", 1: "gzip"} {
		config.MinLength = least
		for _, fields := range [][]string{nil, {"Content-Length", strconv.Itoa(len(page))}} {
			response := serve(t, config, says(page, fields...), asked("GET", "gzip"))
			if got := response.Header.Get("Content-Encoding"); got != want || decoded(t, got, response.Body) != page {
				t.Errorf("minimum %d, %v: %q", least, fields, got)
			}
		}
	}
}

func TestABrokenOffResponseLooksBroken(t *testing.T) {
	e, err := encode.New(formats("gzip"))
	if err != nil {
		t.Fatal(err)
	}
	broken := e.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		says(page)(w, nil)
		panic(http.ErrAbortHandler)
	}))
	for range 3 { // the encoder of the first is used again
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Error("the panic is lost")
				}
			}()
			broken.ServeHTTP(w, asked("GET", "gzip"))
		}()
		if w.Body.Len() > 0 {
			reader, err := gzip.NewReader(w.Body)
			if err == nil {
				_, err = io.ReadAll(reader)
			}
			if err == nil {
				t.Error("the client takes it for whole")
			}
		}
		w = httptest.NewRecorder()
		e.Wrap(says(page)).ServeHTTP(w, asked("GET", "gzip"))
		if decoded(t, "gzip", w.Body) != page {
			t.Error("the next response is not whole")
		}
	}
}

func TestSeveralPartsAreNotEncoded(t *testing.T) {
	config := formats("gzip")
	config.Match = &encode.Match{Status: []int{2}}
	h := func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", zero, strings.NewReader(page))
	}
	r := asked("GET", "gzip")
	r.Header.Set("Range", "bytes=0-999,2000-2999")
	response := serve(t, config, h, r)
	if response.StatusCode != 206 || response.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}

func TestInterimResponsesAndUpgradesPass(t *testing.T) {
	e, err := encode.New(formats("gzip"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hint" {
			w.Header().Set("Link", "</a.css>")
			w.WriteHeader(http.StatusEarlyHints)
			says(page)(w, r)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello")
	})))
	defer server.Close()
	for path, want := range map[string]string{"/hint": "HTTP/1.1 103 Early Hints\r\n", "/up": "HTTP/1.1 101 Switching Protocols\r\n"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n", path)
		answer, _ := io.ReadAll(conn)
		_ = conn.Close()
		if !bytes.HasPrefix(answer, []byte(want)) || path == "/up" && !bytes.HasSuffix(answer, []byte("hello")) {
			t.Errorf("%s: %.200q", path, answer)
		}
		if path == "/hint" && !bytes.Contains(answer, []byte("Content-Encoding: gzip")) {
			t.Errorf("the final response is not encoded: %.300q", answer)
		}
	}
}

// finishing has operations to apply to the header, as handler.Response has.
type finishing struct{ http.ResponseWriter }

func (finishing) FinishHeader(h http.Header) {
	h.Set("Cache-Control", "no-transform")
	h.Del("X-Secret")
}

func TestTheHeaderIsJudgedAsHeaderDirectivesLeaveIt(t *testing.T) {
	e, err := encode.New(formats("gzip"))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	e.Wrap(says(page)).ServeHTTP(finishing{w}, asked("GET", "gzip"))
	if w.Header().Get("Content-Encoding") != "" {
		t.Error("no-transform came too late")
	}
}

func TestAConfigIsRefusedWithItsProblems(t *testing.T) {
	for want, c := range map[string]encode.Config{
		`"deflate" is not zstd, gzip or br`:                                             formats("deflate"),
		"gzip is there twice":                                                           formats("gzip", "zstd", "gzip"),
		`the level "0" of gzip is not a number from 1 to 9`:                             {Formats: []encode.Format{{Name: "gzip", Level: "0"}}},
		`the level "12" of br is not a number from 0 to 11`:                             {Formats: []encode.Format{{Name: "br", Level: "12"}}},
		`the level "x" of zstd is not fastest, default, better or best`:                 {Formats: []encode.Format{{Name: "zstd", Level: "x"}}},
		"minimum_length -1 is not between 0 and 1048576":                                {MinLength: -1},
		"match: nothing to match":                                                       {Match: &encode.Match{}},
		"match: 600 is not a status":                                                    {Match: &encode.Match{Status: []int{600}}},
		`match: "" is not a header field name`:                                          {Match: &encode.Match{Header: []encode.HeaderMatch{{}}}},
		"minimum_length 1048577 is not between 0 and 1048576\nmatch: 1 is not a status": {MinLength: 1<<20 + 1, Match: &encode.Match{Status: []int{1}}},
	} {
		if _, err := encode.New(c); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}
