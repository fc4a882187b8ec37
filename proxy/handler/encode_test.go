package handler_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/encode"
	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// The operations of header see the header before encode changes it, wherever
// they stand: what they say of the type and the ETag counts.
func TestEncodeGoesByWhatHeaderSays(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-own")
		w.Header().Set("ETag", `"upstream"`)
		_, _ = w.Write([]byte(strings.Repeat("text ", 200)))
	}))
	defer up.Close()
	chain := handler.Chain{
		always(handler.Header{Ops: ops(handler.HeaderOp{Op: "set", Field: "Content-Type", Value: "text/plain"})}),
		always(handler.Encode{Config: encode.Config{Formats: []encode.Format{{Name: "gzip"}}}}),
		always(handler.Handle{Routes: handler.Chain{
			always(handler.Header{Ops: ops(
				handler.HeaderOp{Op: "set", Field: "ETag", Value: `"mine"`},
				handler.HeaderOp{Op: "delete", Field: "Vary"},
			)}),
			always(handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{up.URL}}}),
		}}),
	}
	r := asked("GET", "/")
	r.Header.Set("Accept-Encoding", "gzip")
	got := do(t, chain, r).Header
	for field, want := range map[string]string{
		"Content-Encoding": "gzip", "Content-Type": "text/plain", "Etag": `"mine-gzip"`, "Vary": "Accept-Encoding",
	} {
		if got.Get(field) != want {
			t.Errorf("%s = %q, want %q", field, got.Get(field), want)
		}
	}
}

// failing answers every request by Fail.
type failing struct{}

func (failing) Name() string { return "failing" }
func (failing) Compile(*handler.Env) (handler.Middleware, error) {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.Fail(w, r, http.StatusBadGateway, errors.New("down"))
		})
	}, nil
}

func TestAFailureBehindEncodeIsAnswered(t *testing.T) {
	r := asked("GET", "/")
	r.Header.Set("Accept-Encoding", "gzip")
	response := do(t, handler.Chain{always(handler.Encode{}), always(failing{})}, r)
	if body := text(t, response); response.StatusCode != 502 || body != "Bad Gateway\n" {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}
