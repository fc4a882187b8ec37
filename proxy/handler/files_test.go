package handler_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"dwaar/proxy/files"
	"dwaar/proxy/handler"
)

func tree(t *testing.T, contents map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range contents {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestTheFirstRootThatMatchesCounts(t *testing.T) {
	root := tree(t, map[string]string{"one/a": "one", "two/a": "two", "two/docs/a": "docs", "POST/a": "by method"})
	chain := handler.Chain{
		on("/docs/*", handler.Root{Path: root + "/two"}),
		always(handler.Root{Path: root + "/one"}),
		always(handler.FileServer{}),
	}
	for path, want := range map[string]string{"/a": "one", "/docs/a": "docs"} {
		if got := text(t, do(t, chain, asked("GET", path))); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	hostile := handler.Chain{always(handler.Root{Path: root + "/{header.X}"}), always(handler.FileServer{})}
	for value, want := range map[string]int{"one": 200, "../x": 404, "one/../two": 404, "three": 404} {
		r := asked("GET", "/a")
		r.Header.Set("X", value)
		if got := do(t, hostile, r).StatusCode; got != want {
			t.Errorf("root of %q = %d, want %d", value, got, want)
		}
	}
}

func TestFileServerFailsByTheSite(t *testing.T) {
	chain := handler.Chain{always(handler.Root{Path: tree(t, map[string]string{"a": "a"})}), always(handler.FileServer{})}
	for method, want := range map[string]int{"GET /b": 404, "POST /a": 405, "GET /a": 200} {
		verb, path := method[:len(method)-3], method[len(method)-2:]
		if got := do(t, chain, asked(verb, path)).StatusCode; got != want {
			t.Errorf("%s = %d, want %d", method, got, want)
		}
	}
}

// reading is a connection that files can be sent to without copying them here.
type reading struct {
	*httptest.ResponseRecorder
	from io.Reader
}

func (w *reading) ReadFrom(src io.Reader) (int64, error) {
	w.from = src
	return io.Copy(w.ResponseRecorder, src)
}

func TestFilesAreHandedToTheConnection(t *testing.T) {
	root := tree(t, map[string]string{"a": "content"})
	h := compiled(t, handler.Chain{always(handler.Encode{}), always(handler.FileServer{Config: files.Config{Root: root}})})
	w := &reading{ResponseRecorder: httptest.NewRecorder()}
	response := handler.NewResponse(w)
	h.ServeHTTP(response, asked(http.MethodGet, "/a"))
	limited, ok := w.from.(*io.LimitedReader)
	if !ok {
		t.Fatalf("the connection reads from %T", w.from)
	}
	if _, ok := limited.R.(*os.File); !ok || w.Body.String() != "content" || response.Size() != 7 {
		t.Errorf("it reads from %T: %q, size %d", limited.R, w.Body, response.Size())
	}
}
