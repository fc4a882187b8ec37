package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/request"
	"dwaar/proxy/upstream"
)

func TestHeaderUpChangesWhatTheUpstreamGets(t *testing.T) {
	seen := make(chan *http.Request, 1)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "secret")
		w.Header().Set("Location", "http://inner/x")
		w.Header().Set("X-Both", "up")
		seen <- r
	}))
	defer up.Close()
	address := strings.TrimPrefix(up.URL, "http://")
	chain := handler.Chain{always(handler.ReverseProxy{
		Config: upstream.Config{Upstreams: []string{address}},
		HeaderEdits: handler.HeaderEdits{
			HeaderUp: ops(
				handler.HeaderOp{Op: "set", Field: "Host", Value: "{upstream_hostport}"},
				handler.HeaderOp{Op: "set", Field: "X-Forwarded-Proto", Value: "https"},
				handler.HeaderOp{Op: "delete", Field: "cookie"},
				handler.HeaderOp{Op: "add", Field: "X-Tag", Value: "{method}"},
				handler.HeaderOp{Op: "replace", Field: "X-Rep", Find: "o", Value: "0"},
				handler.HeaderOp{Op: "default", Field: "X-Default", Value: "d"},
				handler.HeaderOp{Op: "default", Field: "X-There", Value: "d"},
			),
			HeaderDown: ops(
				handler.HeaderOp{Op: "delete", Field: "Server"},
				handler.HeaderOp{Op: "replace", Field: "Location", Find: "^http://inner", Value: "https://{host}"},
				handler.HeaderOp{Op: "default", Field: "X-Both", Value: "down"},
				handler.HeaderOp{Op: "set", Field: "X-From", Value: "{upstream_hostport}"},
			),
		},
	})}
	r := stateful(t)
	kept := r.Header.Clone()
	w := httptest.NewRecorder()
	compiled(t, chain).ServeHTTP(w, r)
	got := <-seen
	if got.Host != address {
		t.Errorf("Host = %q, want %q", got.Host, address)
	}
	for field, want := range map[string]string{"X-Forwarded-Proto": "https", "Cookie": "", "X-Tag": "1|GET", "X-Rep": "f00", "X-Default": "d", "X-There": "t"} {
		if strings.Join(got.Header[field], "|") != want {
			t.Errorf("upstream: %s = %q, want %q", field, got.Header[field], want)
		}
	}
	for field, want := range map[string]string{"Server": "", "Location": "https://a.test/x", "X-Both": "up", "X-From": address} {
		if w.Header().Get(field) != want {
			t.Errorf("client: %s = %q, want %q", field, w.Header().Get(field), want)
		}
	}
	for field, values := range kept {
		if strings.Join(r.Header[field], "|") != strings.Join(values, "|") {
			t.Errorf("the client's own %s became %q", field, r.Header[field])
		}
	}
}

// stateful is a request with a state, as the front makes it.
func stateful(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://a.test/", nil)
	for field, value := range map[string]string{"Cookie": "a=b", "X-Tag": "1", "X-Rep": "foo", "X-There": "t"} {
		r.Header.Set(field, value)
	}
	return request.With(r, new(request.State))
}
