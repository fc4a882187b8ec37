package placeholder_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/placeholder"
)

func asked() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/a%20b/c?x=1&y=%2F", nil)
	r.Host = "www.example.test:8443"
	r.RemoteAddr = "192.0.2.7:4711"
	r.TLS = &tls.ConnectionState{}
	r.Header.Set("User-Agent", "tester")
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Set("Cookie", "session=abc")
	return r
}

func TestPlaceholdersStandForValuesOfTheRequest(t *testing.T) {
	t.Setenv("DWAAR_TEST", "from the environment")
	for text, want := range map[string]string{
		"":                                 "",
		"plain":                            "plain",
		"{host}":                           "www.example.test",
		"{hostport}":                       "www.example.test:8443",
		"{port}":                           "8443",
		"{method}":                         "POST",
		"{path}":                           "/a b/c",
		"{uri}":                            "/a%20b/c?x=1&y=%2F",
		"{query}":                          "x=1&y=%2F",
		"{scheme}":                         "https",
		"{remote}":                         "192.0.2.7:4711",
		"{remote_host}":                    "192.0.2.7",
		"{remote_port}":                    "4711",
		"{header.user-agent}":              "tester",
		"{header.X-Two}":                   "1,2",
		"{header.Host}":                    "www.example.test:8443",
		"{header.Absent}":                  "",
		"{query.y}":                        "/",
		"{query.absent}":                   "",
		"{cookie.session}":                 "abc",
		"{cookie.absent}":                  "",
		"{env.DWAAR_TEST}":                 "from the environment",
		"{env.DWAAR_ABSENT}":               "",
		"{http.request.host}":              "www.example.test",
		"{http.request.hostport}":          "www.example.test:8443",
		"{http.request.port}":              "8443",
		"{http.request.method}":            "POST",
		"{http.request.uri}":               "/a%20b/c?x=1&y=%2F",
		"{http.request.uri.path}":          "/a b/c",
		"{http.request.uri.query}":         "x=1&y=%2F",
		"{http.request.uri.query.x}":       "1",
		"{http.request.header.User-Agent}": "tester",
		"{http.request.cookie.session}":    "abc",
		"{http.request.scheme}":            "https",
		"{http.request.proto}":             "HTTP/1.1",
		"{http.request.remote}":            "192.0.2.7:4711",
		"{http.request.remote.host}":       "192.0.2.7",
		"{http.request.remote.port}":       "4711",
		"a{method}b{scheme}c":              "aPOSTbhttpsc",
		"{method}{method}":                 "POSTPOST",
		`\{method}`:                        "{method}",
		`x\{nonsense}y`:                    "x{nonsense}y",
		`{"json": {"a": [1, {}]}}`:         `{"json": {"a": [1, {}]}}`,
		`{"method": "{method}"}`:           `{"method": "POST"}`,
		"{ method }":                       "{ method }",
		"{0}{} {{":                         "{0}{} {{",
		"{{method}}":                       "{POST}",
		"{method":                          "{method",
		"$1 {method}":                      "$1 POST",
	} {
		compiled, err := placeholder.Compile(text)
		if err != nil {
			t.Errorf("Compile(%q): %v", text, err)
			continue
		}
		if got := compiled.Expand(asked()); got != want {
			t.Errorf("%q = %q, want %q", text, got, want)
		}
	}
}

func TestHostAndPortWithoutOneInTheRequest(t *testing.T) {
	text, err := placeholder.Compile("{scheme}://{host}:{port}")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for host, want := range map[string]string{
		"a.test":    "http://a.test:80",
		"a.test:81": "http://a.test:81",
		"[::1]":     "http://[::1]:80",
		"[::1]:81":  "http://[::1]:81",
		"":          "http://:80",
	} {
		r.Host = host
		if got := text.Expand(r); got != want {
			t.Errorf("Host %q: %q, want %q", host, got, want)
		}
	}
	r.Host, r.TLS = "a.test", &tls.ConnectionState{}
	if got := text.Expand(r); got != "https://a.test:443" {
		t.Errorf("on TLS: %q", got)
	}
}

func TestUnknownPlaceholderIsRefused(t *testing.T) {
	for _, name := range []string{"http.request.nothing", "header.", "query.", "env.", "cookie.", "re.", "labels.x", "nonsense", "vars."} {
		_, err := placeholder.Compile("text {" + name + "}")
		if want := "unknown placeholder {" + name + `} (\{` + name + "} is the text itself)"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("{%s}: %v, want %s", name, err, want)
		}
	}
}

func TestTextWithoutPlaceholdersCostsNothing(t *testing.T) {
	text, err := placeholder.Compile(`{"json": true}`)
	if err != nil {
		t.Fatal(err)
	}
	r := asked()
	if n := testing.AllocsPerRun(100, func() { text.Expand(r) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"{host}", `\{host}`, "{{host}}", "{", "{a", `{"a":"{path}"}`, "{env.X}"} {
		f.Add(seed)
	}
	r := asked()
	f.Fuzz(func(t *testing.T, text string) {
		if compiled, err := placeholder.Compile(text); err == nil {
			compiled.Expand(r)
		}
	})
}
