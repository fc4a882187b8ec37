package files_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/proxy/files"
	"dwaar/proxy/request"
)

var then = time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)

// tree makes files below a temporary directory; a name that ends in a slash is
// a directory.
func tree(t testing.TB, contents map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	for name, text := range contents {
		path := filepath.Join(root, filepath.FromSlash(name))
		dir := path
		if !strings.HasSuffix(name, "/") {
			dir = filepath.Dir(path)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func failPlainly(w http.ResponseWriter, _ *http.Request, status int, err error) {
	http.Error(w, fmt.Sprintf("%d: %v", status, err), status)
}

func server(t testing.TB, c files.Config) http.Handler {
	t.Helper()
	s, err := files.New(c, failPlainly)
	if err != nil {
		t.Fatal(err)
	}
	return s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "next") }))
}

// get asks for a target as it stands in a request line.
func get(t testing.TB, h http.Handler, target string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	return ask(t, h, http.MethodGet, target, fields...)
}

func ask(t testing.TB, h http.Handler, method, target string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var site = map[string]string{
	"index.html": "home", "a.txt": "0123456789", "dir/index.html": "dir", "dir/b.css": "b{}", "only/index.txt": "text index",
	"empty/": "", "noext": "<script>", "UPPER.HTML": "upper", "with space.txt": "space", "odd%20name.txt": "odd", "app.js": "js",
	"q?.txt": "question",
}

func TestFilesAreServed(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, site)})
	for _, c := range []struct {
		target, body, contentType string
		status                    int
	}{
		{"/", "home", "text/html; charset=utf-8", 200},
		{"/index.html", "home", "text/html; charset=utf-8", 200},
		{"/a.txt", "0123456789", "text/plain; charset=utf-8", 200},
		{"/dir/", "dir", "text/html; charset=utf-8", 200},
		{"/dir/b.css", "b{}", "text/css; charset=utf-8", 200},
		{"/only/", "text index", "text/plain; charset=utf-8", 200},
		{"/noext", "<script>", "", 200},
		{"/UPPER.HTML", "upper", "text/html; charset=utf-8", 200},
		{"/with%20space.txt", "space", "text/plain; charset=utf-8", 200},
		{"/odd%2520name.txt", "odd", "text/plain; charset=utf-8", 200},
		{"/app.js?v=1", "js", "text/javascript; charset=utf-8", 200},
		{"/q%3F.txt", "question", "text/plain; charset=utf-8", 200},
		{"//dir//b.css", "b{}", "text/css; charset=utf-8", 200},
		{"/x/../a.txt", "0123456789", "text/plain; charset=utf-8", 200},
		{"/empty/", "", "", 404},
		{"/nothing", "", "", 404},
		{"/a.txt/below", "", "", 404},
		{"/" + strings.Repeat("x", 300), "", "", 404},
	} {
		w := get(t, h, c.target)
		if w.Code != c.status || c.status == 200 && (w.Body.String() != c.body || w.Header().Get("Content-Type") != c.contentType) {
			t.Errorf("%s = %d %q %q", c.target, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

// Nothing above the root is served, however its path is written.
func TestNoPathLeadsOutOfTheRoot(t *testing.T) {
	root := tree(t, site)
	if err := os.WriteFile(filepath.Join(filepath.Dir(root), "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := server(t, files.Config{Root: root, Browse: true})
	for _, path := range []string{
		"/../secret", "/dir/../../secret", "/./../secret", "//../secret", "/..", "/../", "..", "../secret", "/dir/..//../secret",
		`/..\secret`, `\..\secret`, `/dir\..\..\secret`, "/..\x00/secret", "/../secret\x00.txt", "/a.txt\x00", "/\xff\xfe", "/...//secret",
		"/root/../../secret", "/.../../secret",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "secret\n") || w.Body.String() == "secret" || strings.Contains(w.Body.String(), ">secret<") {
			t.Errorf("%q = %d %q", path, w.Code, w.Body)
		}
	}
	for _, target := range []string{"/%2e%2e/secret", "/%2e%2e%2fsecret", "/..%2fsecret", "/dir/%2E%2E/%2E%2E/secret", "/..%5csecret", "/..%00/secret"} {
		if w := get(t, h, target); w.Code == 200 && w.Body.String() == "secret" {
			t.Errorf("%s = %q", target, w.Body)
		}
	}
}

// FuzzPath asks for any path: the answer never shows what lies beside the root.
func FuzzPath(f *testing.F) {
	root := tree(f, site)
	if err := os.WriteFile(filepath.Join(filepath.Dir(root), "secret"), []byte("SECRET"), 0o644); err != nil {
		f.Fatal(err)
	}
	h := server(f, files.Config{Root: root, AsWritten: true})
	for _, seed := range []string{"/../secret", "/dir/..\\..\\secret", "/%2e%2e/secret", "/a.txt\x00/../../secret"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "SECRET") {
			t.Errorf("%q shows the file beside the root", path)
		}
	})
}

func TestLinksAreFollowed(t *testing.T) {
	root := tree(t, site)
	outside := tree(t, map[string]string{"page.html": "outside"})
	for name, to := range map[string]string{"link.html": outside + "/page.html", "dirlink": outside, "loop": "loop", "dangling": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	h := server(t, files.Config{Root: root})
	for target, want := range map[string]int{"/link.html": 200, "/dirlink/page.html": 200, "/loop": 404, "/dangling": 404} {
		if w := get(t, h, target); w.Code != want {
			t.Errorf("%s = %d %s", target, w.Code, w.Body)
		}
	}
}

func TestTheRootMayBeALinkThatIsSwapped(t *testing.T) {
	dir := t.TempDir()
	current := filepath.Join(dir, "current")
	old, fresh := tree(t, map[string]string{"v": "old"}), tree(t, map[string]string{"v": "new"})
	h := server(t, files.Config{Root: current})
	for _, to := range []string{old, fresh} {
		if err := os.Symlink(to, current+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(current+".new", current); err != nil {
			t.Fatal(err)
		}
		want := "old"
		if to == fresh {
			want = "new"
		}
		if w := get(t, h, "/v"); w.Body.String() != want {
			t.Errorf("%q, want %q", w.Body, want)
		}
	}
}

// What is neither a file nor a directory is not there, and is not waited for.
func TestSpecialFilesAreRefusedAtOnce(t *testing.T) {
	root := tree(t, map[string]string{"a": "a", "dir/": ""})
	if err := syscall.Mkfifo(filepath.Join(root, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(root, "dir/index.html"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(root, "device")); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(root, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	h := server(t, files.Config{Root: root})
	for _, target := range []string{"/fifo", "/device", "/socket", "/dir/"} {
		if w := get(t, h, target); w.Code != 404 {
			t.Errorf("%s = %d %q", target, w.Code, w.Body)
		}
	}
}

func TestUnreadableFilesAreForbidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root reads everything: a directory without search permission cannot be made")
		return
	}
	root := tree(t, map[string]string{"a": "a", "closed/b": "b"})
	_ = os.Chmod(filepath.Join(root, "a"), 0)
	_ = os.Chmod(filepath.Join(root, "closed"), 0)
	defer os.Chmod(filepath.Join(root, "closed"), 0o755)
	h := server(t, files.Config{Root: root})
	for _, target := range []string{"/a", "/closed/b"} {
		if w := get(t, h, target); w.Code != 403 {
			t.Errorf("%s = %d", target, w.Code)
		}
	}
}

func TestConditionsAndRanges(t *testing.T) {
	root := tree(t, site)
	h := server(t, files.Config{Root: root})
	first := get(t, h, "/a.txt")
	etag, modified := first.Header().Get("Etag"), first.Header().Get("Last-Modified")
	if !strings.HasPrefix(etag, `"`) || modified != "Fri, 02 Jan 2026 03:04:05 GMT" || first.Header().Get("Accept-Ranges") != "bytes" {
		t.Fatalf("header = %v", first.Header())
	}
	if again := get(t, h, "/a.txt").Header().Get("Etag"); again != etag {
		t.Errorf("the ETag is %s, and then %s", etag, again)
	}
	for _, c := range []struct {
		fields []string
		status int
		body   string
	}{
		{[]string{"If-None-Match", etag}, 304, ""},
		{[]string{"If-None-Match", `"other", W/` + etag}, 304, ""},
		{[]string{"If-None-Match", "*"}, 304, ""},
		{[]string{"If-None-Match", `"other"`}, 200, "0123456789"},
		{[]string{"If-Modified-Since", modified}, 304, ""},
		{[]string{"If-Modified-Since", "Fri, 02 Jan 2026 03:04:04 GMT"}, 200, "0123456789"},
		{[]string{"If-None-Match", `"other"`, "If-Modified-Since", modified}, 200, "0123456789"},
		{[]string{"If-Match", `"other"`}, 412, ""},
		{[]string{"If-Unmodified-Since", "Fri, 02 Jan 2026 03:04:04 GMT"}, 412, ""},
		{[]string{"Range", "bytes=2-4"}, 206, "234"},
		{[]string{"Range", "bytes=-3"}, 206, "789"},
		{[]string{"Range", "bytes=8-"}, 206, "89"},
		{[]string{"Range", "bytes=8-100"}, 206, "89"},
		{[]string{"Range", "bytes=10-"}, 416, ""},
		{[]string{"Range", "lines=1-2"}, 416, ""},
		{[]string{"Range", "bytes=2-4", "If-Range", etag}, 206, "234"},
		{[]string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, "0123456789"},
		{[]string{"Range", "bytes=2-4", "If-Range", "W/" + etag}, 200, "0123456789"},
		{[]string{"Range", "bytes=2-4", "If-Range", modified}, 206, "234"},
	} {
		w := get(t, h, "/a.txt", c.fields...)
		if w.Code != c.status || c.status < 300 && w.Body.String() != c.body {
			t.Errorf("%q = %d %q", c.fields, w.Code, w.Body)
		}
	}
	if w := get(t, h, "/a.txt", "Range", "bytes=0-1,4-5"); w.Code != 206 || !strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/byteranges") {
		t.Errorf("two ranges = %d %v", w.Code, w.Header())
	}
	if w := ask(t, h, "HEAD", "/a.txt"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "10" || w.Header().Get("Etag") != etag {
		t.Errorf("HEAD = %d %v", w.Code, w.Header())
	}
}

// Each part costs many times what it asks for with.
func TestTooManyRangesAreAnsweredWithTheWholeFile(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, map[string]string{"a.txt": strings.Repeat("x", 1000)})})
	for n, want := range map[int]int{32: 206, 33: 200} {
		if w := get(t, h, "/a.txt", "Range", "bytes=0-0"+strings.Repeat(",0-0", n-1)); w.Code != want {
			t.Errorf("%d ranges = %d, want %d", n, w.Code, want)
		}
	}
}

func TestETagFollowsSizeAndTime(t *testing.T) {
	root := tree(t, map[string]string{"a": "one"})
	h := server(t, files.Config{Root: root})
	seen := map[string]bool{}
	change := func(text string, at time.Time) {
		t.Helper()
		_ = os.WriteFile(filepath.Join(root, "a"), []byte(text), 0o644)
		_ = os.Chtimes(filepath.Join(root, "a"), at, at)
		seen[get(t, h, "/a").Header().Get("Etag")] = true
	}
	change("one", then)
	change("four", then)
	change("one", then.Add(time.Nanosecond))
	change("one", then)
	if len(seen) != 3 {
		t.Errorf("ETags: %v", seen)
	}
	for _, at := range []int64{0, 1} {
		_ = os.Chtimes(filepath.Join(root, "a"), time.Unix(at, 0), time.Unix(at, 0))
		if w := get(t, h, "/a"); w.Header().Get("Etag") != "" || w.Header().Get("Last-Modified") != "" {
			t.Errorf("a file of the second %d has %v", at, w.Header())
		}
	}
}

func TestOnlyReadingMethodsAreAllowed(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, site)})
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		if w := ask(t, h, method, "/a.txt"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s = %d %v", method, w.Code, w.Header())
		}
	}
	if w := ask(t, h, "POST", "/nothing"); w.Code != 404 {
		t.Errorf("POST of nothing = %d", w.Code)
	}
}

func TestDirectoriesEndInASlashAndFilesDoNot(t *testing.T) {
	root := tree(t, site)
	h := server(t, files.Config{Root: root})
	for target, want := range map[string]string{
		"/dir":                  "/dir/",
		"/dir?a=b&c":            "/dir/?a=b&c",
		"/a.txt/":               "/a.txt",
		"/a.txt//":              "/a.txt",
		"/with%20space.txt/":    "/with%20space.txt",
		"//dir":                 "/dir/",
		"///dir":                "/dir/",
		"//host.example/../dir": "/host.example/../dir/",
		"/dir/":                 "",
		"/a.txt":                "",
		"/empty":                "",
	} {
		w := get(t, h, target)
		if got := w.Header().Get("Location"); got != want || (want != "") != (w.Code == 308) {
			t.Errorf("%s = %d to %q, want %q", target, w.Code, got, want)
		}
	}
	asIs := server(t, files.Config{Root: root, AsWritten: true})
	for target, want := range map[string]string{"/dir": "dir", "/a.txt/": "0123456789"} {
		if w := get(t, asIs, target); w.Code != 200 || w.Body.String() != want {
			t.Errorf("as written, %s = %d %q", target, w.Code, w.Body)
		}
	}
}

// The client is sent to a path of its own: what it asked for, not what was
// made of it.
func TestRedirectsAreForThePathTheClientKnows(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, site)})
	for _, c := range []struct{ received, path, want string }{
		{"/prefix/dir", "/dir", "/prefix/dir/"},
		{"http://a.test/prefix/dir?q", "/dir", "/prefix/dir/?q"},
		{"/prefix/a.txt/", "/a.txt/", "/prefix/a.txt"},
		{"/dir", "/dir/", "/dir/"}, // a rewrite added the slash
		{"/page", "/dir", ""},      // a rewrite changed the last element
		{"/d%69r", "/dir", "/d%69r/"},
		{"*", "/dir", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r = request.With(r, &request.State{Received: request.Received{URI: c.received}})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != c.want {
			t.Errorf("%s as %s: to %q, want %q", c.received, c.path, got, c.want)
		}
	}
}

func TestTheRootComesFromTheRequest(t *testing.T) {
	root := tree(t, map[string]string{"a.test/a": "of a", "b.test/a": "of b"})
	h := server(t, files.Config{Root: root + "/{host}"})
	for host, want := range map[string]int{"a.test": 200, "b.test": 200, "c.test": 404, "..": 404, "a.test/../b.test": 404, "a.test\x00": 404} {
		r := httptest.NewRequest(http.MethodGet, "/a", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q = %d %s", host, w.Code, w.Body)
		}
	}
	byVariable := server(t, files.Config{})
	if w := get(t, byVariable, "/a"); w.Code != 500 || !strings.Contains(w.Body.String(), "no root") {
		t.Errorf("without a root: %d %s", w.Code, w.Body)
	}
	state := &request.State{}
	state.SetVar(files.RootVar, root+"/b.test/")
	w := httptest.NewRecorder()
	byVariable.ServeHTTP(w, request.With(httptest.NewRequest(http.MethodGet, "/a", nil), state))
	if w.Body.String() != "of b" {
		t.Errorf("by the variable: %d %s", w.Code, w.Body)
	}
}

func TestHiddenFilesAreNotThere(t *testing.T) {
	root := tree(t, map[string]string{
		"a.txt": "a", ".env": "x", ".git/config": "x", "dir/.hidden/b": "x", "dir/c.secret": "x", "private/d": "x", "privately": "ok",
		"dir/index.html": "hidden index", "dir/index.txt": "shown index", "conf/Dwaarfile": "x", "Dwaarfile": "not this one",
	})
	if err := os.Symlink(filepath.Join(root, "conf"), filepath.Join(root, "by-link")); err != nil {
		t.Fatal(err)
	}
	h := server(t, files.Config{Root: root, Private: []string{root + "/conf/Dwaarfile"}, Hide: []string{
		".*", "*.secret", root + "/private", root + "/dir/index.htm?",
	}})
	for target, want := range map[string]int{
		"/a.txt": 200, "/.env": 404, "/.git/config": 404, "/.git/": 404, "/dir/.hidden/b": 404, "/dir/c.secret": 404, "/private/d": 404, "/privately": 200,
		"/conf/Dwaarfile": 404, "/by-link/Dwaarfile": 404, "/Dwaarfile": 200,
	} {
		if w := get(t, h, target); w.Code != want {
			t.Errorf("%s = %d, want %d", target, w.Code, want)
		}
	}
	if w := get(t, h, "/dir/"); w.Body.String() != "shown index" {
		t.Errorf("the index is %q", w.Body)
	}
}

// A pattern of names is for what is below the root, not for where it lies.
func TestTheRootItselfIsNeverHiddenByAName(t *testing.T) {
	root := filepath.Join(tree(t, map[string]string{".www/a": "a"}), ".www")
	if w := get(t, server(t, files.Config{Root: root, Hide: []string{".*"}}), "/a"); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
}

func TestPrecompressedFilesAreSentInstead(t *testing.T) {
	root := tree(t, map[string]string{
		"a.txt": strings.Repeat("a", 100), "a.txt.br": "brotli", "a.txt.gz": "gzipped!", "b.txt": "b", "b.txt.gz": "gz of b", "c.txt": "c", "c.txt.br/": "",
	})
	h := server(t, files.Config{Root: root, Precompressed: []string{"br", "zstd", "gzip"}})
	etags := map[string]bool{}
	for _, c := range []struct{ target, accept, body, encoding string }{
		{"/a.txt", "gzip, br", "brotli", "br"},
		{"/a.txt", "gzip", "gzipped!", "gzip"},
		{"/a.txt", "zstd, gzip;q=0.5", "gzipped!", "gzip"},
		{"/a.txt", "", strings.Repeat("a", 100), ""},
		{"/b.txt", "br, gzip", "gz of b", "gzip"},
		{"/b.txt", "br", "b", ""},
		{"/c.txt", "br, gzip", "c", ""},
	} {
		w := get(t, h, c.target, "Accept-Encoding", c.accept)
		header := w.Header()
		if w.Body.String() != c.body || header.Get("Content-Encoding") != c.encoding || header.Get("Vary") != "Accept-Encoding" ||
			header.Get("Content-Type") != "text/plain; charset=utf-8" || header.Get("Content-Length") != fmt.Sprint(len(c.body)) {
			t.Errorf("%s for %q = %q %v", c.target, c.accept, w.Body, header)
		}
		etags[header.Get("Etag")] = true
		if again := get(t, h, c.target, "Accept-Encoding", c.accept, "If-None-Match", header.Get("Etag")); again.Code != 304 || again.Header().Get("Vary") == "" {
			t.Errorf("%s for %q again = %d %v", c.target, c.accept, again.Code, again.Header())
		}
	}
	if len(etags) != 5 { // b and c are as long and as old
		t.Errorf("ETags: %v", etags)
	}
	part := get(t, h, "/a.txt", "Accept-Encoding", "br", "Range", "bytes=0-1")
	if part.Code != 206 || part.Body.String() != "br" || part.Header().Get("Content-Encoding") != "br" {
		t.Errorf("a range = %d %q", part.Code, part.Body)
	}
	if w := ask(t, h, "HEAD", "/a.txt", "Accept-Encoding", "br"); w.Header().Get("Content-Length") != "6" || w.Body.Len() != 0 {
		t.Errorf("HEAD = %v", w.Header())
	}
	if w := get(t, server(t, files.Config{Root: root}), "/a.txt", "Accept-Encoding", "br"); w.Header().Get("Vary") != "" || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("without the option: %v", w.Header())
	}
}

func TestStatusIsSentWithTheWholeFile(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, site), Status: 404})
	etag := get(t, h, "/a.txt").Header().Get("Etag")
	for _, fields := range [][]string{nil, {"Range", "bytes=1-2"}, {"If-None-Match", etag}} {
		if w := get(t, h, "/a.txt", fields...); w.Code != 404 || w.Body.String() != "0123456789" || w.Header().Get("Content-Length") != "10" {
			t.Errorf("%q = %d %q", fields, w.Code, w.Body)
		}
	}
	if w := ask(t, h, "HEAD", "/a.txt"); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("HEAD = %d %q", w.Code, w.Body)
	}
}

func TestAnErrorPageHasTheStatusOfTheError(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, site)})
	state := &request.State{Failure: request.Failure{Status: 502, Err: errors.New("down")}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request.With(httptest.NewRequest(http.MethodPost, "/index.html", nil), state))
	if w.Code != 502 || w.Body.String() != "home" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestWhatIsNotThereMayPass(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, site), PassThru: true, Hide: []string{"a.txt"}})
	for target, want := range map[string]string{"/nothing": "next", "/a.txt": "next", "/empty/": "next", "/app.js": "js"} {
		if w := get(t, h, target); w.Body.String() != want {
			t.Errorf("%s = %q", target, w.Body)
		}
	}
}

func TestBrowse(t *testing.T) {
	root := tree(t, map[string]string{
		"list/b.txt": "bb", "list/a.txt": "a", "list/Sub/": "", "list/<x>&\".txt": "x", "list/javascript:alert(1)": "x", "list/.hidden": "x",
		"list/50%.txt": "x", "withindex/index.html": "index",
	})
	if err := os.Symlink("a.txt", filepath.Join(root, "list/link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(root, "list/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := server(t, files.Config{Root: root, Browse: true, Hide: []string{".*"}})
	page := get(t, h, "/list/")
	text := page.Body.String()
	for _, want := range []string{`<a href="./a.txt">a.txt</a>`, `<a href="./Sub/">Sub/</a>`, `href="./javascript:alert%281%29"`, `href="./%3Cx%3E&amp;%22.txt"`, `&lt;x&gt;&amp;&#34;.txt`, `<h1>/list/</h1>`, `href="./50%25.txt"`} {
		if !strings.Contains(text, want) && !strings.Contains(text, strings.NewReplacer("%28", "(", "%29", ")").Replace(want)) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hidden") || strings.Contains(text, "fifo") || strings.Contains(text, "<x>") || strings.Index(text, "Sub/") > strings.Index(text, "a.txt") {
		t.Errorf("the page is\n%s", text)
	}
	if page.Code != 200 || page.Header().Get("Content-Type") != "text/html; charset=utf-8" || page.Header().Get("Vary") != "Accept" {
		t.Errorf("header = %v", page.Header())
	}
	var items []struct {
		Name  string `json:"name"`
		URL   string `json:"url"`
		Size  int64  `json:"size"`
		IsDir bool   `json:"is_dir"`
		Link  bool   `json:"is_symlink"`
	}
	asJSON := get(t, h, "/list/?sort=size&order=desc", "Accept", "application/json")
	if err := json.Unmarshal(asJSON.Body.Bytes(), &items); err != nil || len(items) != 7 {
		t.Fatalf("JSON: %v %s", err, asJSON.Body)
	}
	for _, i := range items {
		if i.Name == "link" && (!i.Link || i.Size != 1) {
			t.Errorf("the link is %+v", i)
		}
	}
	if w := get(t, h, "/list"); w.Header().Get("Location") != "/list/" {
		t.Errorf("without a slash: %d %v", w.Code, w.Header())
	}
	if w := get(t, h, "/withindex/"); w.Body.String() != "index" {
		t.Errorf("with an index: %q", w.Body)
	}
	if w := ask(t, h, "POST", "/list/"); w.Code != 405 {
		t.Errorf("POST = %d", w.Code)
	}
	if w := ask(t, h, "HEAD", "/list/"); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD = %d", w.Code)
	}
}

func TestAHugeDirectoryIsListedInPart(t *testing.T) {
	root := tree(t, map[string]string{"d/a": "", "d/b": "", "d/c": "", "d/.d": ""})
	s, err := files.New(files.Config{Root: root, Browse: true}, failPlainly)
	if err != nil {
		t.Fatal(err)
	}
	s.ListAtMost(3)
	w := get(t, s.Wrap(nil), "/d/")
	if rows := strings.Count(w.Body.String(), "<tr>"); rows != 5 || !strings.Contains(w.Body.String(), "only 3 entries") {
		t.Errorf("%d rows in\n%s", rows, w.Body)
	}
	s.ListAtMost(4)
	if w := get(t, s.Wrap(nil), "/d/"); strings.Contains(w.Body.String(), "only") {
		t.Errorf("all of them are there:\n%s", w.Body)
	}
}

func TestATypeAndAnETagThatAreThereStay(t *testing.T) {
	h := server(t, files.Config{Root: tree(t, site)})
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/x-own")
	w.Header().Set("ETag", `"own"`)
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a.txt", nil))
	if w.Header().Get("Content-Type") != "application/x-own" || w.Header().Get("Etag") != `"own"` {
		t.Errorf("%v", w.Header())
	}
}

func TestAConfigIsRefusedWithItsProblems(t *testing.T) {
	for want, c := range map[string]files.Config{
		`root: "www" is not an absolute path`:                {Root: "www"},
		"root: unknown placeholder {nonsense}":               {Root: "/www/{nonsense}"},
		`hide: "[" is not a pattern`:                         {Hide: []string{"["}},
		`hide: "" is not a pattern`:                          {Hide: []string{""}},
		`hide: "a/b" is neither a name nor an absolute path`: {Hide: []string{"a/b"}},
		`index: "../x" is not a name below a directory`:      {Index: []string{"../x"}},
		`precompressed: "deflate" is not br, zstd or gzip`:   {Precompressed: []string{"deflate"}},
		`precompressed: br is there twice`:                   {Precompressed: []string{"br", "br"}},
		`status: 99 is not between 200 and 599`:              {Status: 99},
		"status: 600 is not between 200 and 599":             {Index: []string{"a"}, Status: 600},
	} {
		if _, err := files.New(c, failPlainly); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}
