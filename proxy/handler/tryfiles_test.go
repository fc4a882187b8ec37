package handler_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/files"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
	"dwaar/proxy/request"
)

// inRoot asks with a state that has a root.
func inRoot(root, target string) *http.Request {
	state := &request.State{}
	state.SetVar(files.RootVar, root)
	return request.With(httptest.NewRequest(http.MethodGet, target, nil), state)
}

func TestTryFilesTakesWhatIsThere(t *testing.T) {
	root := tree(t, map[string]string{
		"a.html": "x", "dir/index.html": "x", "index.php": "php", "100%.html": "x", "sp ace.html": "x", "old": "1", "new": "long",
	})
	_ = os.Chtimes(filepath.Join(root, "old"), time.Unix(1000, 0), time.Unix(1000, 0))
	app := []string{"{path}", "{path}/", "{path}.html", "index.php?{query}&p={path}"}
	for _, c := range []struct {
		files        []string
		policy       string
		target, want string
	}{
		{app, "", "/a.html?q=1", "/a.html?q=1"},
		{app, "", "/a?q=1", "/a.html?q=1"},
		{app, "", "/dir?q", "/dir/?q"},
		{app, "", "/none/x?q=1", "/index.php?q=1&p=%2Fnone%2Fx"},
		{app, "", "/100%25", "/100%25.html"},
		{app, "", "/sp%20ace", "/sp%20ace.html"},
		{app, "", "/../../a", "/a.html"},
		{app, "", "/%2e%2e%2fa.html", "/a.html"},
		{[]string{"{path}", "/a.html?"}, "", "/none?q", "/a.html"},
		{[]string{"{path}"}, "", "/dir/", "/dir/"},
		{[]string{"{path}"}, "", "/none?q", "/none?q"},
		{[]string{"{path}/"}, "", "/a.html", "/a.html"},
		{[]string{"/"}, "", "/none", "/"},
		{[]string{"{path}", "/never"}, "first_exist_fallback", "/none", "/never"},
		{[]string{"old", "new"}, "smallest_size", "/x", "/old"},
		{[]string{"old", "new", "none"}, "largest_size", "/x", "/new"},
		{[]string{"old", "new"}, "most_recently_modified", "/x", "/new"},
		{[]string{"none", "nothing"}, "largest_size", "/x", "/x"},
	} {
		chain := handler.Chain{always(handler.TryFiles{Files: c.files, Policy: c.policy})}
		if got := rewritten(t, chain, inRoot(root, c.target)).URL.RequestURI(); got != c.want {
			t.Errorf("%q %s on %s = %s, want %s", c.files, c.policy, c.target, got, c.want)
		}
	}
}

func TestTryFilesFailsWithAStatus(t *testing.T) {
	h := compiled(t, handler.Chain{always(handler.TryFiles{Files: []string{"{path}", "=410"}})})
	root := tree(t, map[string]string{"a": "a"})
	for target, want := range map[string]int{"/a": 200, "/b": 410} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, inRoot(root, target))
		if w.Code != want {
			t.Errorf("%s = %d, want %d", target, w.Code, want)
		}
	}
}

// The usual single page application: files as they are, else its page.
func TestASinglePageApplication(t *testing.T) {
	root := tree(t, map[string]string{"index.html": "the page", "app.js": "script", "docs/index.html": "docs"})
	chain := handler.Chain{
		always(handler.Root{Path: root}),
		always(handler.TryFiles{Files: []string{"{path}", "/index.html"}}),
		always(handler.FileServer{}),
	}
	for target, want := range map[string]string{"/": "the page", "/app.js": "script", "/some/route": "the page", "/docs/": "the page"} {
		if got := text(t, do(t, chain, asked("GET", target))); got != want {
			t.Errorf("%s = %q, want %q", target, got, want)
		}
	}
}

func TestTheMatcherFileTellsWhatItFound(t *testing.T) {
	root := tree(t, map[string]string{"a.html": "x", "dir/x": "x"})
	chain := handler.Chain{
		{
			Match:     &match.Set{File: &files.Try{Root: root, Files: []string{"{path}.html", "{path}/"}}},
			Directive: handler.Respond{Body: "{file_match.relative} {file_match.absolute} {file_match.type}"},
		},
	}
	for target, want := range map[string]string{
		"/a":   "/a.html " + root + "/a.html file",
		"/dir": "/dir/ " + root + "/dir/ directory",
		"/b":   "nobody: /b",
	} {
		w := httptest.NewRecorder()
		compiled(t, chain).ServeHTTP(w, inRoot("/nowhere", target))
		if got := w.Body.String(); got != want {
			t.Errorf("%s = %q, want %q", target, got, want)
		}
	}
	rewrites := handler.Chain{{
		Match:     &match.Set{File: &files.Try{Files: []string{"{path}.html"}}},
		Directive: handler.Rewrite{To: "{file_match.relative}"},
	}}
	hundred := tree(t, map[string]string{"100%.html": "x"})
	if got := rewritten(t, rewrites, inRoot(hundred, "/100%25")).URL.RequestURI(); got != "/100%25.html" {
		t.Errorf("rewritten to %s", got)
	}
}

func TestTryFilesIsRefusedWithItsProblems(t *testing.T) {
	for want, c := range map[string]handler.TryFiles{
		"try_files: no file":   {},
		"try_files: no file\n": {Files: []string{"=404"}},
		`try_files: "=200" is not a status from =400 to =599`:                   {Files: []string{"a", "=200"}},
		`try_files: "=404" needs the policy first_exist`:                        {Files: []string{"a", "=404"}, Policy: "largest_size"},
		`try_files: "=404": a status stands last, and only in try_files`:        {Files: []string{"=404", "a"}},
		`try_files: "*.html": patterns and queries are not supported`:           {Files: []string{"*.html"}},
		"try_files: unknown placeholder {nonsense}":                             {Files: []string{"{nonsense}"}},
		"try_files: unknown placeholder {nonsens}":                              {Files: []string{"a?b={nonsens}"}},
		`try_files: "best" is not one of the policies first_exist, first_exist`: {Files: []string{"a"}, Policy: "best"},
	} {
		if err := handler.Check(c); err == nil || !strings.HasPrefix(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}
