package match_test

import (
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"dwaar/proxy/match"
)

func TestPathPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/a", "/a", true},
		{"/a", "/A", true},
		{"/A", "/a", true},
		{"/a", "/a/", false},
		{"/a", "/ab", false},
		{"/a", "//a", true},
		{"/a", "/./a", true},
		{"/a", "/b/../a", true},
		{"/a", "/../../a", true},
		{"/a", "/%61", true},
		{"/", "/", true},
		{"*", "/anything", true},
		{"/a/*", "/a/", true},
		{"/a/*", "/a/b/c", true},
		{"/a/*", "/a", false},
		{"/a/*", "/a//b", true},
		{"/a/*", "/x/../a/b", true},
		{"/a/*", "/a/../b", false},
		{"/a/*", "/x/%2e%2e/a/b", true},
		{"/a/*", "/a/.", true},
		{"/a*", "/abc", true},
		{"*.php", "/x/y.PHP", true},
		{"*.php", "/x.php/y", false},
		{"*/b/*", "/a/b/c", true},
		{"*/b/*", "/ab/c", false},
		{"/a/*/c", "/a/b/c", true},
		{"/a/*/c", "/a/b/b/c", false},
		{"/a/*/*", "/a/b/c", true},
		{"/a?", "/ab", true},
		{"/[ab]", "/b", true},
		{"/a//b", "/a//b", true},
		{"/a//b", "/a/b", false},
		{"//*", "/a", false},
		{"//*", "//a", true},
		{"/a//b", "/a/x/..//b", true},
		{"/a%2Fb", "/a%2fb", true},
		{"/a%2Fb", "/a/b", false},
		{"/a%2Fb/*", "/a%2Fb/%63", true},
		{"/a%2Fc", "/%61%2F%63", true},
		{"/a%2Fb", "/a%252fb", false},
		{"/a%2Fb*", "/a%252fb", false},
		{"/a%25b", "/a%25b", true},
		{"/a%2Fb/*", "/a%2Fb/c/d", false},
		{"/a%2Fb/*/*", "/a%2Fb/c/d", true},
		{"/a b", "/a%20b", true},
		{"/é", "/%C3%A9", true},
		{"/É/*", "/%C3%A9/x", true},
	} {
		m, err := match.Path{"/never", c.pattern}.Compile()
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if got := m.Match(r); got != c.want {
			t.Errorf("%s on %s = %v, want %v", c.pattern, c.path, got, c.want)
		}
	}
}

func TestBadPathPatternIsRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		"":      `path pattern "" starts neither with / nor with *`,
		"a":     `path pattern "a" starts neither with / nor with *`,
		"/%":    `path pattern "/%": % is not followed by two hexadecimal digits`,
		"/%2":   `path pattern "/%2": % is not followed by two hexadecimal digits`,
		"/%zz":  `path pattern "/%zz": % is not followed by two hexadecimal digits`,
		"/[a":   `path pattern "/[a": syntax error in pattern`,
		"/*/[a": `path pattern "/*/[a": syntax error in pattern`,
	} {
		if _, err := (match.Set{Path: match.Path{pattern}}).Compile(); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", pattern, err, want)
		}
	}
}

func TestEmptySetMatchesEverything(t *testing.T) {
	m, err := match.Set{}.Compile()
	if err != nil || !m.Match(httptest.NewRequest(http.MethodGet, "/x", nil)) {
		t.Errorf("empty set: %v", err)
	}
}

func TestCleanPath(t *testing.T) {
	for _, c := range []struct{ path, merged, kept string }{
		{"", "/", "/"},
		{"/", "/", "/"},
		{"a", "/a", "/a"},
		{"/a/", "/a/", "/a/"},
		{"//", "/", "//"},
		{"/a//b///c", "/a/b/c", "/a//b///c"},
		{"/a/./b/.", "/a/b/", "/a/b/"},
		{"/a/b/..", "/a/", "/a/"},
		{"/..", "/", "/"},
		{"/a//../b", "/b", "/a/b"},
		{"/.hidden/..x", "/.hidden/..x", "/.hidden/..x"},
	} {
		if got := match.CleanPath(c.path, true); got != c.merged {
			t.Errorf("CleanPath(%q, merge) = %q, want %q", c.path, got, c.merged)
		}
		if got := match.CleanPath(c.path, false); got != c.kept {
			t.Errorf("CleanPath(%q, keep) = %q, want %q", c.path, got, c.kept)
		}
	}
}

// With merged slashes, path.Clean is the oracle, except that it drops the
// slash at the end.
func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{"/a/../b", "//", "/./", "a/..//.", "/..//...//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got := match.CleanPath(p, true)
		if again := match.CleanPath(got, true); again != got {
			t.Errorf("CleanPath(%q) = %q, cleaned again %q", p, got, again)
		}
		trimmed := got
		if got != "/" {
			trimmed = strings.TrimSuffix(got, "/")
		}
		if want := path.Clean("/" + p); trimmed != want {
			t.Errorf("CleanPath(%q) = %q, want %q", p, got, want)
		}
		kept := match.CleanPath(p, false)
		if again := match.CleanPath(kept, false); again != kept {
			t.Errorf("CleanPath(%q) keeping = %q, again %q", p, kept, again)
		}
	})
}

func FuzzPathPattern(f *testing.F) {
	f.Add("/a/*", "/a/b")
	f.Add("/%2F*", "/%2f")
	f.Add("*x*", "/x")
	f.Fuzz(func(t *testing.T, pattern, p string) {
		m, err := match.Path{pattern}.Compile()
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = p
		m.Match(r)
	})
}
