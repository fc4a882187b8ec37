package handler_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/match"
	"dwaar/proxy/upstream"
)

// do serves one request by a chain; what nothing answers is "nobody: PATH".
func do(t *testing.T, chain handler.Chain, r *http.Request) *http.Response {
	t.Helper()
	server := httptest.NewServer(compiled(t, chain))
	defer server.Close()
	conn := server.Client()
	conn.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r.RequestURI = ""
	r.URL.Scheme, r.URL.Host = "http", server.Listener.Addr().String()
	response, err := conn.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		// The server may be waiting for the client to end the connection.
		response.Body = io.NopCloser(strings.NewReader(text(t, response)))
	}
	return response
}

func compiled(t *testing.T, chain handler.Chain) http.Handler {
	t.Helper()
	lease := upstream.NewPools().Lease()
	t.Cleanup(lease.Release)
	apply, err := chain.Compile(&handler.Env{Log: slog.New(slog.DiscardHandler), Pools: lease})
	if err != nil {
		t.Fatal(err)
	}
	return apply(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "nobody: "+r.URL.EscapedPath())
	}))
}

func asked(method, target string) *http.Request { return httptest.NewRequest(method, target, nil) }

func text(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func on(path string, d handler.Directive) handler.Route {
	return handler.Route{Match: &match.Set{Path: match.Path{path}}, Directive: d}
}

func always(d handler.Directive) handler.Route { return handler.Route{Directive: d} }

func says(text string) handler.Route { return always(handler.Respond{Body: text}) }

func TestRespond(t *testing.T) {
	for _, c := range []struct {
		name        string
		directive   handler.Respond
		status      int
		contentType string
		body        string
	}{
		{"empty", handler.Respond{}, 200, "", ""},
		{"text", handler.Respond{Body: "hello {path}"}, 200, "text/plain; charset=utf-8", "hello /x"},
		{"status", handler.Respond{Status: 404, Body: "no"}, 404, "text/plain; charset=utf-8", "no"},
		{"JSON", handler.Respond{Body: `{"path": "{path}"}`}, 200, "application/json", `{"path": "/x"}`},
		{"not JSON", handler.Respond{Body: `{not: json}`}, 200, "text/plain; charset=utf-8", `{not: json}`},
		{"never HTML", handler.Respond{Body: "<script>"}, 200, "text/plain; charset=utf-8", "<script>"},
		{"no content", handler.Respond{Status: 204, Body: "dropped"}, 204, "", ""},
	} {
		response := do(t, handler.Chain{always(c.directive)}, asked("GET", "/x"))
		body := text(t, response)
		if response.StatusCode != c.status || body != c.body || response.Header.Get("Content-Type") != c.contentType {
			t.Errorf("%s = %d %q %q", c.name, response.StatusCode, response.Header.Get("Content-Type"), body)
		}
	}
	response := do(t, handler.Chain{always(handler.Respond{Body: "bye", Close: true})}, asked("GET", "/"))
	if text(t, response) != "bye" || !response.Close {
		t.Errorf("close: %v", response.Header)
	}
	response = do(t, handler.Chain{says("four")}, asked("HEAD", "/"))
	if response.ContentLength != 4 || text(t, response) != "" {
		t.Errorf("HEAD: length %d", response.ContentLength)
	}
}

func TestRedir(t *testing.T) {
	for _, c := range []struct {
		directive handler.Redir
		status    int
		location  string
	}{
		{handler.Redir{To: "https://b.test{uri}"}, 302, "https://b.test/a%20b?q=1"},
		{handler.Redir{To: "/new", Code: "temporary"}, 302, "/new"},
		{handler.Redir{To: "/new", Code: "permanent"}, 301, "/new"},
		{handler.Redir{To: "/new", Code: "303"}, 303, "/new"},
		{handler.Redir{To: "/new{path}é"}, 302, "/new/a%20b%C3%A9"},
		{handler.Redir{To: "/{query.absent}x", Code: "399"}, 399, "/x"},
	} {
		response := do(t, handler.Chain{always(c.directive)}, asked("GET", "/a%20b?q=1"))
		if got := response.Header.Get("Location"); response.StatusCode != c.status || got != c.location {
			t.Errorf("%+v = %d to %q, want %d to %q", c.directive, response.StatusCode, got, c.status, c.location)
		}
	}
	response := do(t, handler.Chain{always(handler.Redir{To: "/x{query}", Code: "html"})}, asked("GET", `/?"><script>`))
	body := text(t, response)
	if response.StatusCode != 200 || strings.Contains(body, "<script>") || !strings.Contains(body, `content="0; url=/x%22%3E%3Cscript%3E"`) {
		t.Errorf("html = %d %s", response.StatusCode, body)
	}
}

func TestRedirCannotBeSplit(t *testing.T) {
	w := httptest.NewRecorder()
	r := asked("GET", "/")
	r.URL.Path = "/\r\nSet-Cookie: x=1"
	compiled(t, handler.Chain{always(handler.Redir{To: "{path}"})}).ServeHTTP(w, r)
	if got := w.Header().Get("Location"); got != "/%0D%0ASet-Cookie:%20x=1" {
		t.Errorf("Location = %q", got)
	}
}

func TestExclusiveHandles(t *testing.T) {
	chain := handler.Chain{
		always(handler.Header{Ops: []handler.HeaderOp{{Op: "set", Field: "X-Seen", Value: "1"}}}),
		on("/a*", handler.Handle{Routes: handler.Chain{on("/a/answers", handler.Respond{Body: "first"})}}),
		on("/ab*", handler.Handle{Routes: handler.Chain{says("second")}}),
		always(handler.HandlePath{Path: "/strip/*", Routes: handler.Chain{says("stripped {path}")}}),
		on("/between", handler.Respond{Body: "between"}),
		always(handler.Handle{Routes: handler.Chain{on("/r*", handler.Respond{Body: "rest"})}}),
		on("/after*", handler.Respond{Body: "after"}),
		on("/ab-nothing", handler.Respond{Body: "after the first"}),
	}
	for path, want := range map[string]string{
		"/a/answers":   "first",
		"/ab":          "nobody: /ab", // the first handle matched, so no other is entered
		"/ab-nothing":  "after the first",
		"/between":     "between",
		"/r":           "rest",
		"/strip/x/y":   "stripped /x/y",
		"/strip":       "nobody: /strip",
		"/after":       "after",
		"/nothing":     "nobody: /nothing",
		"/strip/../ab": "nobody: /strip/../ab",
	} {
		response := do(t, chain, asked("GET", path))
		if got := text(t, response); got != want || response.Header.Get("X-Seen") != "1" {
			t.Errorf("%s = %q, want %q; header %v", path, got, want, response.Header)
		}
	}
}

func TestHandlePathTakesThePrefixOff(t *testing.T) {
	for _, c := range []struct{ pattern, path, want string }{
		{"/api/*", "/api/x", "/x"},
		{"/api/*", "/api/", "/"},
		{"/api/*", "/API/X", "/X"},
		{"/api/*", "/%61pi/a%2Fb%20c", "/a%2Fb%20c"},
		{"/api/*", "/x/../api/y", "/y"},
		{"/api/*", "//api//y", "/y"},
		{"/api/*", "/api/../secret", "/api/../secret"},
		{"/api*", "/apix/y", "/x/y"},
		{"/api*", "/api", "/"},
		{"/api", "/api", "/"},
		{"/api", "/api/x", "/api/x"},
		{"/*", "/x", "/x"},
		{"/é/*", "/%C3%A9/x", "/x"},
		{"/É/*", "/%C3%A9/x", "/x"},
	} {
		chain := handler.Chain{always(handler.HandlePath{Path: c.pattern})}
		if got := text(t, do(t, chain, asked("GET", c.path))); got != "nobody: "+c.want {
			t.Errorf("%s on %s = %q, want %s", c.pattern, c.path, got, c.want)
		}
	}
}

func TestEveryDirectiveSaysWhatIsWrong(t *testing.T) {
	header := func(op, field, value, find string) handler.Header {
		return handler.Header{Ops: []handler.HeaderOp{{Op: op, Field: field, Value: value, Find: find}}}
	}
	requestHeader := func(op, field, value string) handler.RequestHeader {
		return handler.RequestHeader{Ops: header(op, field, value, "").Ops}
	}
	for _, c := range []struct {
		directive handler.Directive
		want      string
	}{
		{handler.Respond{Status: 199}, "respond: status 199 is not between 200 and 599"},
		{handler.Respond{Status: 600}, "respond: status 600 is not between 200 and 599"},
		{handler.Respond{Body: "{nope}"}, `respond: unknown placeholder {nope} (\{nope} is the text itself)`},
		{handler.Redir{}, "redir: no target"},
		{handler.Redir{To: "/{nope}"}, `redir: unknown placeholder {nope} (\{nope} is the text itself)`},
		{handler.Redir{To: "/", Code: "200"}, `redir: "200" is not temporary, permanent, html or a number from 300 to 399`},
		{handler.Redir{To: "/", Code: "soon"}, `redir: "soon" is not temporary, permanent, html or a number from 300 to 399`},
		{handler.HTTPSRedirect{Port: 70000}, "https_redirect: 70000 is not a port"},
		{handler.HandlePath{Path: "api/*"}, `handle_path: "api/*" is not a path prefix like /api/*`},
		{handler.HandlePath{Path: "/a/*/b"}, `handle_path: "/a/*/b" is not a path prefix like /api/*`},
		{handler.HandlePath{Path: "/a%2Fb/*"}, `handle_path: "/a%2Fb/*" is not a path prefix like /api/*`},
		{handler.Handle{Routes: handler.Chain{{}}}, "route without directive"},
		{handler.Handle{Routes: handler.Chain{on("x", handler.Respond{})}}, `respond: path pattern "x" starts neither with / nor with *`},
		{handler.Header{}, "header: nothing to do"},
		{header("put", "X", "", ""), `header: unknown header operation "put"`},
		{header("set", "a b", "", ""), `header: "a b" is not a header field name`},
		{header("set", "X-*", "", ""), `header: "X-*" is not a header field name`},
		{header("set", "", "", ""), `header: "" is not a header field name`},
		{header("set", "X", "{nope}", ""), `header: X: unknown placeholder {nope} (\{nope} is the text itself)`},
		{header("set", "X", "", "find"), "header: set X: find is for replace only"},
		{header("replace", "X", "", "("), "header: replacing in X: error parsing regexp: missing closing ): `(`"},
		{header("delete", "X", "value", ""), "header: deleting X: takes no value"},
		{header("delete", "*", "", ""), `header: deleting "*": give a name with * at its start, its end or both`},
		{header("delete", "a*b", "", ""), `header: deleting "a*b": give a name with * at its start, its end or both`},
		{header("set", "content-length", "1", ""), "header: Content-Length is set by the server and cannot be changed"},
		{handler.RequestHeader{}, "request_header: nothing to do"},
		{requestHeader("default", "X", "1"), "request_header: X: a default is for responses only"},
		{requestHeader("add", "Host", "x"), "request_header: Host: a request has exactly one; set or replace it"},
		{requestHeader("delete", "Host", ""), "request_header: Host: a request has exactly one; set or replace it"},
		{requestHeader("set", "Transfer-Encoding", "x"), "request_header: Transfer-Encoding is set by the server and cannot be changed"},
		{requestHeader("set", "X-Forwarded-For", "x"), "request_header: X-Forwarded-For is set by reverse_proxy and cannot be changed"},
		{handler.ReverseProxy{}, "reverse_proxy: no upstream"},
	} {
		err := handler.Check(c.directive)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.directive, err, c.want)
		}
	}
	several := handler.Handle{Routes: handler.Chain{always(handler.Respond{Status: 1}), always(handler.Redir{})}}
	if err := handler.Check(several); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two problems: %v", err)
	}
}

func TestRouteIsWrittenAsItsDirective(t *testing.T) {
	chain := handler.Chain{
		on("/a", handler.Respond{Body: "x"}),
		always(handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{"a:1"}}}),
		always(handler.HTTPSRedirect{}),
	}
	got, err := json.Marshal(chain)
	want := `[{"match":{"path":["/a"]},"respond":{"body":"x"}},{"reverse_proxy":{"upstreams":["a:1"]}},{"https_redirect":{}}]`
	if err != nil || string(got) != want {
		t.Errorf("JSON = %s, %v, want %s", got, err, want)
	}
	if _, err := json.Marshal(handler.Chain{{}}); err == nil {
		t.Error("a route without directive was written")
	}
}
