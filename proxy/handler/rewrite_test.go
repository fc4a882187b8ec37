package handler_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/match"
	"dwaar/proxy/request"
)

// rewritten is the request that comes out of a chain.
func rewritten(t testing.TB, chain handler.Chain, r *http.Request) *http.Request {
	t.Helper()
	apply, err := chain.Compile(&handler.Env{})
	if err != nil {
		t.Fatal(err)
	}
	var got *http.Request
	apply(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r })).ServeHTTP(httptest.NewRecorder(), r)
	if got == nil {
		t.Fatal("the request did not come out")
	}
	return got
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct{ to, from, want string }{
		{"/new", "/old?a=b", "/new?a=b"},
		{"/new?", "/old?a=b", "/new"},
		{"?c=d", "/old?a=b", "/old?c=d"},
		{"?", "/old?a=b", "/old"},
		{"/new?c=d", "/old?a=b", "/new?c=d"},
		{"new.html", "/old?a=b", "/new.html?a=b"},
		{"/p{path}", "/a%20b%3Fc%25?x", "/p/a%20b%3Fc%25?x"},
		{"/p{path}", "/a%2Fb", "/p/a/b"},
		{"{path}/", "/dir?x", "/dir/?x"},
		{"/index.php{uri}", "/a?b=c", "/index.php/a?b=c"},
		{"/index.php?path={path}&{query}", "/a b?c=d&e=f", "/index.php?path=%2Fa+b&c=d&e=f"},
		{"?{query}&add=1", "/a?c=d", "/a?c=d&add=1"},
		{"?{query}&add=1", "/a", "/a?add=1"},
		{"?q={query}", "/a?c=d", "/a?q=c%3Dd"},
		{"?{query.k}={query.v}", "/a?k=x%26y&v=%3D%23", "/a?x%26y=%3D%23"},
		{"?sig=abc==&n", "/a", "/a?sig=abc==&n"},
		{"/x{?query}", "/a?b=c", "/x?b=c"},
		{"/x{?query}", "/a", "/x"},
		{"/x{?query}?own=1", "/a?b=c", "/x?own=1"},
		{"/{query.to}", "/a?to=evil%3Fq%3D1%23frag", "/evil?q=1"},
		{"/{query.to}?own=1", "/a?to=evil%3Fq%3D1", "/evil?own=1"},
		{"/{query.to}", "/a?to=%250d%250aX:1", "/%0D%0AX:1?to=%250d%250aX:1"},
		{"/x{query.to}", "/a?to=%3Fa%20b%0D%0AX", "/x?a%20b%0D%0AX"},
		{"{query.none}", "/a", "/"},
		{"/100%", "/a", "/100%25"},
		{"/{file_match.relative}", "/a", "/"},
	} {
		r := asked("GET", strings.ReplaceAll(c.from, " ", "%20"))
		before := *r.URL
		got := rewritten(t, handler.Chain{always(handler.Rewrite{To: c.to})}, r)
		if got.URL.RequestURI() != c.want {
			t.Errorf("%s to %s = %s, want %s", c.from, c.to, got.URL.RequestURI(), c.want)
		}
		if *r.URL != before {
			t.Errorf("%s to %s: the client's request was changed", c.from, c.to)
		}
	}
}

func TestOnlyTheFirstRewriteThatMatchesIsEntered(t *testing.T) {
	chain := handler.Chain{
		on("/a/*", handler.Rewrite{To: "/b{path}"}),
		on("/b/*", handler.Rewrite{To: "/c{path}"}),
		always(handler.Rewrite{To: "/d{path}"}),
	}
	for from, want := range map[string]string{"/a/x": "/b/a/x", "/b/x": "/c/b/x", "/x": "/d/x"} {
		if got := rewritten(t, chain, asked("GET", from)).URL.Path; got != want {
			t.Errorf("%s = %s, want %s", from, got, want)
		}
	}
}

func TestWhatTheClientAskedForStaysKnown(t *testing.T) {
	r := request.With(asked("GET", "/a?b"), &request.State{Received: request.Received{URI: "/a?b"}})
	chain := handler.Chain{always(handler.Rewrite{To: "/x?y"}), always(handler.Rewrite{To: "{http.request.orig_uri}"})}
	if got := rewritten(t, chain[:1], r).URL.RequestURI(); got != "/x?y" {
		t.Errorf("rewritten to %s", got)
	}
	again := rewritten(t, chain[:1], r)
	if got := rewritten(t, chain[1:], again).URL.RequestURI(); got != "/a?b" {
		t.Errorf("back to %s", got)
	}
}

func TestURIStripsPrefixAndSuffix(t *testing.T) {
	for _, c := range []struct {
		uri        handler.URI
		from, want string
	}{
		{handler.URI{StripPrefix: "/api"}, "/api/x?q", "/x?q"},
		{handler.URI{StripPrefix: "api"}, "/api/x", "/x"},
		{handler.URI{StripPrefix: "/api"}, "/API/x", "/x"},
		{handler.URI{StripPrefix: "/api"}, "/api", "/"},
		{handler.URI{StripPrefix: "/api"}, "/apix", "/x"},
		{handler.URI{StripPrefix: "/api"}, "/other", "/other"},
		{handler.URI{StripPrefix: "/api"}, "/%61pi/x%2Fy", "/x%2Fy"},
		{handler.URI{StripPrefix: "/api"}, "/x/../api//y", "/y"},
		{handler.URI{StripPrefix: "/api"}, "/api../secret", "/secret"},
		{handler.URI{StripPrefix: "/a%2Fb"}, "/a%2fb/c", "/c"},
		{handler.URI{StripPrefix: "/a%2Fb"}, "/a/b/c", "/a/b/c"},
		{handler.URI{StripPrefix: "/a/b"}, "/a%2Fb/c", "/c"},
		{handler.URI{StripPrefix: "/a"}, "/a%2Fb%2Fc", "/b%2Fc"},
		{handler.URI{StripPrefix: "/a"}, "/a%2f%2Fc", "/%2Fc"},
		{handler.URI{StripPrefix: "/É"}, "/%c3%a9/x", "/x"},
		{handler.URI{StripPrefix: "//a"}, "//a//b", "//b"},
		{handler.URI{StripPrefix: "/{query.p}"}, "/x/y?p=x", "/y?p=x"},
		{handler.URI{StripPrefix: "/%"}, "/%25a", "/%25a"},
		{handler.URI{StripSuffix: ".html"}, "/a.html?q", "/a?q"},
		{handler.URI{StripSuffix: ".HTML"}, "/a.h%74ml", "/a"},
		{handler.URI{StripSuffix: ".html"}, "/a.htm", "/a.htm"},
		{handler.URI{StripSuffix: "/"}, "/a/b/", "/a/b"},
		{handler.URI{StripSuffix: "/"}, "/", "/"},
		{handler.URI{StripSuffix: "x"}, "/..x", "/"},
		{handler.URI{StripSuffix: "%2Fb"}, "/a%2fb", "/a"},
		{handler.URI{StripSuffix: "é"}, "/caf%C3%A9", "/caf"},
		{handler.URI{StripSuffix: "A"}, "/%41A", "/%41"},
	} {
		got := rewritten(t, handler.Chain{always(c.uri)}, asked("GET", c.from)).URL.RequestURI()
		if got != c.want {
			t.Errorf("%+v on %s = %s, want %s", c.uri, c.from, got, c.want)
		}
	}
}

func TestURIReplaces(t *testing.T) {
	substring := func(find, replace string, limit int) handler.URI {
		return handler.URI{Replace: &handler.Replacement{Find: find, Replace: replace, Limit: limit}}
	}
	expression := func(find, replace string) handler.URI {
		return handler.URI{PathRegexp: &handler.Replacement{Find: find, Replace: replace}}
	}
	for _, c := range []struct {
		uri        handler.URI
		from, want string
	}{
		{substring("/docs", "/v1/docs", 0), "/docs/docs?r=/docs", "/v1/docs/v1/docs?r=/v1/docs"},
		{substring("a", "b", 1), "/aa?aa", "/ba?ba"},
		{substring("%20", "_", 0), "/a%20b?c%20d", "/a_b?c_d"},
		{substring("{query.none}", "x", 0), "/a?b", "/a?b"},
		{substring("/", "", 0), "/a/b", "/ab"},
		{substring("x", "{path}", 0), "/a%20b?x", "/a%20b?/a%20b"},
		{substring("x", "", 0), "/a/.x./b", "/b"},
		{substring("//", "/", 0), "/a//b", "/a/b"},
		{substring("2", "", 0), "/a%20b", "/a%0b"},
		{expression("/{2,}", "/"), "/a///b//c?d//e", "/a/b/c?d//e"},
		{expression("^/user/([^/]+)/(.*)", "/u/$2/$1"), "/user/ann/x%2Fy", "/u/x%2Fy/ann"},
		{expression("b", "{query.q}"), "/abc?q=x", "/axc?q=x"},
		{expression("/x", "/.."), "/a/x/b", "/b"},
	} {
		got := rewritten(t, handler.Chain{always(c.uri)}, asked("GET", c.from)).URL.RequestURI()
		if got != c.want {
			t.Errorf("%+v%+v on %s = %s, want %s", c.uri.Replace, c.uri.PathRegexp, c.from, got, c.want)
		}
	}
}

func TestURIChangesTheQuery(t *testing.T) {
	for _, c := range []struct {
		ops        []handler.QueryOp
		from, want string
	}{
		{[]handler.QueryOp{{Op: "set", Key: "a", Value: "{path}"}}, "/p?a=1&a=2&b=3", "a=%2Fp&b=3"},
		{[]handler.QueryOp{{Op: "add", Key: "a", Value: "3"}}, "/p?a=1", "a=1&a=3"},
		{[]handler.QueryOp{{Op: "delete", Key: "a"}}, "/p?a=1&b=2&a=3", "b=2"},
		{[]handler.QueryOp{{Op: "rename", Key: "a", Value: "c"}}, "/p?a=1&a=2&b=3", "b=3&c=1&c=2"},
		{[]handler.QueryOp{{Op: "rename", Key: "x", Value: "c"}}, "/p?a=1", "a=1"},
		{[]handler.QueryOp{{Op: "replace", Key: "a", Find: "(.)1", Value: "$1-"}}, "/p?a=x1&b=x1", "a=x-&b=x1"},
		{[]handler.QueryOp{{Op: "replace", Key: "*", Find: "1", Value: "2"}}, "/p?a=1&b=11", "a=2&b=22"},
		{[]handler.QueryOp{{Op: "delete", Key: "b"}, {Op: "rename", Key: "a", Value: "b"}}, "/p?a=1&b=2", ""},
		{[]handler.QueryOp{{Op: "set", Key: "{query.none}", Value: "x"}}, "/p?a=1", "a=1"},
	} {
		got := rewritten(t, handler.Chain{always(handler.URI{Query: c.ops})}, asked("GET", c.from)).URL.RawQuery
		if got != c.want {
			t.Errorf("%+v on %s = %s, want %s", c.ops, c.from, got, c.want)
		}
	}
}

func TestMethod(t *testing.T) {
	for _, c := range []struct{ method, override, want string }{
		{"post", "", "POST"}, {"{header.X}", "delete", "DELETE"}, {"{header.X}", "", "GET"}, {"GET", "", "GET"}, {"PURGE", "", "PURGE"},
	} {
		r := asked("GET", "/")
		r.Header.Set("X", c.override)
		if got := rewritten(t, handler.Chain{always(handler.Method{Method: c.method})}, r).Method; got != c.want || r.Method != "GET" {
			t.Errorf("%s with %q = %s, want %s", c.method, c.override, got, c.want)
		}
	}
	for _, hostile := range []string{"GET /x", "CONNECT", "connect", "A:B"} {
		r := asked("GET", "/")
		r.Header.Set("X", hostile)
		w := httptest.NewRecorder()
		compiled(t, handler.Chain{always(handler.Method{Method: "{header.X}"})}).ServeHTTP(w, r)
		if w.Code != 400 {
			t.Errorf("%q = %d", hostile, w.Code)
		}
	}
}

func TestRewritingIsRefusedWithItsProblems(t *testing.T) {
	for want, d := range map[string]handler.Directive{
		"rewrite: no target": handler.Rewrite{},
		`rewrite: "/a#b": a fragment is never sent to a server`: handler.Rewrite{To: "/a#b"},
		"rewrite: unknown placeholder {nonsense}":               handler.Rewrite{To: "/{nonsense}"},
		"rewrite: unknown placeholder {nonsens}":                handler.Rewrite{To: "?a={nonsens}"},
		"uri: nothing to do":                                    handler.URI{},
		"uri: replace: nothing to find":                         handler.URI{Replace: &handler.Replacement{}},
		"uri: path_regexp: nothing to find":                     handler.URI{PathRegexp: &handler.Replacement{}},
		"uri: path_regexp: error parsing regexp":                handler.URI{PathRegexp: &handler.Replacement{Find: "("}},
		`uri: unknown query operation "x"`:                      handler.URI{Query: []handler.QueryOp{{Op: "x"}}},
		"uri: query: a parameter without a name":                handler.URI{Query: []handler.QueryOp{{Op: "set"}}},
		"uri: query: replacing in a: error parsing regexp":      handler.URI{Query: []handler.QueryOp{{Op: "replace", Key: "a", Find: "("}}},
		`method: "" is not a method`:                            handler.Method{},
		`method: "G T" is not a method`:                         handler.Method{Method: "G T"},
		`method: "CONNECT" is not a method`:                     handler.Method{Method: "CONNECT"},
		"method: unknown placeholder {nonsense}":                handler.Method{Method: "{nonsense}"},
	} {
		if err := handler.Check(d); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", d, err, want)
		}
	}
}

// Whatever a client sends, a rewritten request has one line, and a path that
// begins with a slash and leads nowhere up.
func FuzzRewrite(f *testing.F) {
	f.Add("/api/../x", "a=b", "?x y\r\nZ: 1")
	f.Add("/api../..", "q=%zz", "%2e%2e/%2e%2e")
	f.Fuzz(func(t *testing.T, path, query, value string) {
		for _, d := range []handler.Directive{
			handler.Rewrite{To: "/x/{header.X}{path}"},
			handler.Rewrite{To: "{header.X}?{query}&x={header.X}"},
			handler.URI{StripPrefix: "/api"},
			handler.URI{StripSuffix: ".."},
			handler.URI{Replace: &handler.Replacement{Find: "a", Replace: "{header.X}"}},
			handler.URI{PathRegexp: &handler.Replacement{Find: "[ab]+", Replace: "."}},
			handler.URI{Query: []handler.QueryOp{{Op: "set", Key: "{header.X}", Value: "{path}"}}},
		} {
			r := asked("GET", "/")
			r.URL = &url.URL{Path: "/" + path, RawQuery: strings.Map(visible, query)}
			r.Header["X"] = []string{value}
			got := rewritten(t, handler.Chain{always(d)}, r)
			uri := got.URL.RequestURI()
			if !strings.HasPrefix(uri, "/") || strings.ContainsAny(uri, " \r\n\t\x00") {
				t.Errorf("%+v on %q: %q", d, path, uri)
			}
			if _, isURI := d.(handler.URI); isURI && got.URL.Path != match.CleanPath(got.URL.Path, false) && len(d.(handler.URI).Query) == 0 {
				t.Errorf("%+v on %q: path %q", d, path, got.URL.Path)
			}
		}
	})
}

// visible keeps what the server lets into a query.
func visible(c rune) rune {
	if c <= ' ' || c >= 0x7f {
		return -1
	}
	return c
}
