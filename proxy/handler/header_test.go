package handler_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

func ops(list ...handler.HeaderOp) []handler.HeaderOp { return list }

func TestHeaderHasTheLastWordOverTheUpstream(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "hint")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Server", "secret/1.0")
		w.Header().Set("X-Powered-By", "secrets")
		w.Header().Set("X-Powered-Too", "secrets")
		w.Header().Set("X-Old", "a-b-a")
		w.Header().Set("X-There", "upstream")
		w.Header().Add("Set-Cookie", "a=1")
	}))
	defer up.Close()
	chain := handler.Chain{
		always(handler.Header{Ops: ops(
			handler.HeaderOp{Op: "set", Field: "server", Value: "dwaar"},
			handler.HeaderOp{Op: "set", Field: "X-Order", Value: "outer"},
			handler.HeaderOp{Op: "delete", Field: "x-powered-*"},
			handler.HeaderOp{Op: "add", Field: "Set-Cookie", Value: "b={method}"},
			handler.HeaderOp{Op: "replace", Field: "X-Old", Find: "a|(b)", Value: "<$1>"},
			handler.HeaderOp{Op: "default", Field: "X-There", Value: "default"},
			handler.HeaderOp{Op: "default", Field: "X-Absent", Value: "default"},
			handler.HeaderOp{Op: "delete", Field: "Date"},
		)}),
		always(handler.Handle{Routes: handler.Chain{
			always(handler.Header{Ops: ops(handler.HeaderOp{Op: "set", Field: "X-Order", Value: "inner"})}),
			always(handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{up.URL}}}),
		}}),
	}
	got := do(t, chain, asked("GET", "/")).Header
	for field, want := range map[string]string{
		"Server": "dwaar", "X-Order": "outer", "X-Powered-By": "", "X-Powered-Too": "",
		"Set-Cookie": "a=1|b=GET", "X-Old": "<>-<b>-<>", "X-There": "upstream", "X-Absent": "default",
		"Date": "", "Link": "hint",
	} {
		if strings.Join(got[field], "|") != want {
			t.Errorf("%s = %q, want %q", field, got[field], want)
		}
	}
}

// The order is that of Caddy, which was asked.
func TestDeletionsAndDefaultsComeAfterWhatIsSet(t *testing.T) {
	set := func(value string) handler.HeaderOp { return handler.HeaderOp{Op: "set", Field: "Y", Value: value} }
	add := func(value string) handler.HeaderOp { return handler.HeaderOp{Op: "add", Field: "Y", Value: value} }
	absent := func(value string) handler.HeaderOp { return handler.HeaderOp{Op: "default", Field: "Y", Value: value} }
	drop := handler.HeaderOp{Op: "delete", Field: "Y"}
	other := handler.HeaderOp{Op: "delete", Field: "Z"}
	all := func(list ...handler.HeaderOp) handler.Header { return handler.Header{Ops: list} }
	last := func(list ...handler.HeaderOp) handler.Header { return handler.Header{Ops: list, Deferred: true} }
	for _, c := range []struct {
		headers []handler.Header // the outermost, or most specific, first
		want    string
	}{
		{[]handler.Header{all(set("a")), all(set("b"))}, "b"},
		{[]handler.Header{all(drop), all(set("b"))}, ""},
		{[]handler.Header{all(set("a")), all(drop)}, ""},
		{[]handler.Header{all(drop, set("a")), all(add("b"))}, "a"},
		{[]handler.Header{all(set("a"), other), all(set("b"))}, "a"},
		{[]handler.Header{all(set("a"), other), all(set("b"), other)}, "a"},
		{[]handler.Header{last(set("a")), all(set("b"))}, "a"},
		{[]handler.Header{last(set("a")), last(add("b"))}, "a"},
		{[]handler.Header{all(absent("a")), all(set("b"))}, "b"},
		{[]handler.Header{all(absent("a")), all(absent("b"))}, "b"},
		{[]handler.Header{all(absent("a")), all(drop)}, "a"},
		{[]handler.Header{all(drop), all(absent("b"))}, ""},
	} {
		chain := make(handler.Chain, 0, len(c.headers)+1)
		for _, h := range c.headers {
			chain = append(chain, always(h))
		}
		got := do(t, append(chain, says("text")), asked("GET", "/")).Header["Y"]
		if strings.Join(got, "|") != c.want {
			t.Errorf("%v: Y = %q, want %q", c.headers, got, c.want)
		}
	}
}

func TestDeletedContentTypeIsNotGuessedAgain(t *testing.T) {
	chain := handler.Chain{
		always(handler.Header{Ops: ops(handler.HeaderOp{Op: "delete", Field: "*-type"})}),
		says("text"),
	}
	if got, ok := do(t, chain, asked("GET", "/")).Header["Content-Type"]; ok {
		t.Errorf("Content-Type = %q, want none", got)
	}
}

func TestWildcardSparesFraming(t *testing.T) {
	chain := handler.Chain{
		always(handler.Header{Ops: ops(handler.HeaderOp{Op: "delete", Field: "content-*"}, handler.HeaderOp{Op: "delete", Field: "*x-*"})}),
		says("text"),
	}
	if response := do(t, chain, asked("GET", "/")); response.ContentLength != 4 || text(t, response) != "text" {
		t.Errorf("length = %d", response.ContentLength)
	}
}

func TestHeaderValueCannotBeSplit(t *testing.T) {
	w := httptest.NewRecorder()
	r := asked("GET", "/")
	r.URL.Path = "/\r\nX-Evil: 1\x00é"
	chain := handler.Chain{always(handler.Header{Ops: ops(handler.HeaderOp{Op: "set", Field: "X-Path", Value: "{path}"})}), says("x")}
	compiled(t, chain).ServeHTTP(w, r)
	if got := w.Header().Get("X-Path"); got != "/  X-Evil: 1 é" {
		t.Errorf("X-Path = %q", got)
	}
}

func TestHeaderAppliesToASwitchedConnectionToo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\nServer: secret\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}()
	chain := handler.Chain{
		always(handler.Header{Ops: ops(handler.HeaderOp{Op: "set", Field: "Server", Value: "dwaar"}, handler.HeaderOp{Op: "delete", Field: "up*"})}),
		always(handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{listener.Addr().String()}}}),
	}
	r := asked("GET", "/")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "x")
	response := do(t, chain, r)
	defer response.Body.Close()
	if response.StatusCode != 101 || response.Header.Get("Server") != "dwaar" || response.Header.Get("Upgrade") != "x" {
		t.Errorf("response = %d %v", response.StatusCode, response.Header)
	}
}

func TestRequestHeaderChangesWhatComesAfter(t *testing.T) {
	seen := make(chan *http.Request, 1)
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))
	defer up.Close()
	chain := handler.Chain{
		always(handler.RequestHeader{Ops: ops(
			handler.HeaderOp{Op: "set", Field: "Host", Value: "inner.{host}"},
			handler.HeaderOp{Op: "set", Field: "X-Set", Value: "{header.X-Before}"},
			handler.HeaderOp{Op: "add", Field: "X-Before", Value: "2"},
			handler.HeaderOp{Op: "delete", Field: "X-Gone"},
			handler.HeaderOp{Op: "replace", Field: "X-Rep", Find: "o", Value: "0"},
		)}),
		always(handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{up.URL}}}),
	}
	r := asked("GET", "/")
	r.Host = "a.test"
	r.Header.Set("X-Before", "1")
	r.Header.Set("X-Gone", "1")
	r.Header.Set("X-Rep", "foo")
	do(t, chain, r)
	got := <-seen
	if got.Host != "inner.a.test" {
		t.Errorf("Host = %q", got.Host)
	}
	for field, want := range map[string]string{"X-Set": "1", "X-Before": "1|2", "X-Gone": "", "X-Rep": "f00"} {
		if strings.Join(got.Header[field], "|") != want {
			t.Errorf("%s = %q, want %q", field, got.Header[field], want)
		}
	}
}

func TestResponseRemembersWhatWasSent(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		status int
		size   int64
	}{
		"nothing": {func(http.ResponseWriter) {}, 0, 0},
		"write":   {func(w http.ResponseWriter) { _, _ = w.Write([]byte("abc")) }, 200, 3},
		"string":  {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "abcd") }, 200, 4},
		"status":  {func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(500) }, 404, 0},
		"interim": {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(201) }, 201, 0},
		"flush":   {func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }, 200, 0},
	} {
		response := handler.NewResponse(httptest.NewRecorder())
		c.answer(response)
		if response.Status() != c.status || response.Size() != c.size {
			t.Errorf("%s = %d, %d bytes, want %d, %d", name, response.Status(), response.Size(), c.status, c.size)
		}
	}
}
