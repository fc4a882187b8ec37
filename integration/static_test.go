package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/integration/internal/client"
)

// staticSite is dwaar with files, compression, rewriting and limits, in front of an upstream
// that gives back what it gets.
func staticSite(t *testing.T) (h *house, page string) {
	t.Helper()
	h = newHouse(t)
	page = strings.Repeat("<p>All work and no play makes Jack a dull boy.</p>\n", 2000)
	for name, text := range map[string]string{
		"www/index.html": page, "www/app.js": "let a = 1\n", "www/.env": "secret", "secret.txt": "secret",
		"www/dl/big.bin": strings.Repeat("0123456789abcdef", 1<<16), "www/docs/intro.html": "intro",
	} {
		path := filepath.Join(h.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	upstream := strings.TrimPrefix(serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			_, _ = fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.RequestURI(), n)
		}
	}), "http://")
	cert := h.leaf("static.test").Write(t, h.Dir, "static")
	h.siteText(fmt.Sprintf(`static.test {
	tls %s %s
	root www
	encode zstd br gzip
	request_body {
		max_size 1MB
	}
	handle_path /api/* {
		uri query -utm
		reverse_proxy %s
	}
	handle {
		@page file {path}.html
		rewrite @page {file_match.relative}
		file_server {
			hide .*
		}
	}
}
`, cert.Cert, cert.Key, upstream))
	h.start("", "")
	return h, page
}

// curl, which is not ours, gets every coding, resumes a download, is told that nothing
// changed, and finds nothing outside of the root: over HTTP/1.1 and HTTP/2.
func TestStaticFilesByCurl(t *testing.T) {
	t.Parallel()
	h, page := staticSite(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, version := range []string{"--http1.1", "--http2"} {
		curl := func(path string, args ...string) client.Output {
			t.Helper()
			return client.Get(t, h.Addr(), "static.test", h.roots, path, append(args, version)...)
		}
		for _, coding := range []string{"zstd", "br", "gzip", "identity"} {
			said := curl("/", "--compressed", "-H", "Accept-Encoding: "+coding, "-o", out, "-D", "-")
			got, err := os.ReadFile(out)
			if err != nil || string(got) != page {
				t.Errorf("%s %s: %d bytes, %v\n%s", version, coding, len(got), err, said.Text)
			}
			if lower := strings.ToLower(said.Text); (coding != "identity") != strings.Contains(lower, "content-encoding: "+coding) || !strings.Contains(lower, "vary: accept-encoding") {
				t.Errorf("%s %s: %s", version, coding, said.Text)
			}
		}
		if said := curl("/dl/big.bin", "-r", "1048570-", "-w", " %{http_code}"); said.Text != "abcdef 206" {
			t.Errorf("%s: a range: %s", version, said.Text)
		}
		etag := filepath.Join(t.TempDir(), "etag")
		curl("/", "--compressed", "--etag-save", etag, "-o", out)
		if said := curl("/", "--compressed", "--etag-compare", etag, "-w", "%{http_code}", "-o", out); said.Text != "304" {
			t.Errorf("%s: with the ETag of an encoded page: %s", version, said.Text)
		}
		for path, want := range map[string]string{
			"/../secret.txt": "404", "/%2e%2e/secret.txt": "404", "/..%2fsecret.txt": "404", "/.env": "404", "/docs": "404",
			"/docs/intro": "200", "/app.js/": "308", "/docs/../app.js": "200",
		} {
			if said := curl(path, "--path-as-is", "-o", out, "-w", "%{http_code}"); said.Text != want {
				t.Errorf("%s: %s = %s, want %s", version, path, said.Text, want)
			}
		}
	}
}

// request_body holds for bodies of known and of unknown length, and rewriting reaches the
// upstream.
func TestLargeUploadsByCurl(t *testing.T) {
	t.Parallel()
	h, _ := staticSite(t)
	small, large := filepath.Join(t.TempDir(), "small"), filepath.Join(t.TempDir(), "large")
	for name, size := range map[string]int{small: 1_000_000, large: 1_000_001} {
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"--http1.1", "--http2"} {
		for _, extra := range [][]string{nil, {"-H", "Transfer-Encoding: chunked"}} {
			for name, want := range map[string]string{small: "PUT /up?a=b 1000000 200", large: " 413"} {
				args := append([]string{"-T", name, "-w", " %{http_code}", version, "-H", "Expect:"}, extra...)
				said := client.Get(t, h.Addr(), "static.test", h.roots, "/api/up?utm=x&a=b", args...)
				if !strings.HasSuffix(said.Text, want) {
					t.Errorf("%s %q %s: %q, want %q", version, extra, filepath.Base(name), said.Text, want)
				}
			}
		}
	}
}
