package admin_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"dwaar/proxy/admin"
)

func TestClientSaysWhatToDoWhenNobodyListens(t *testing.T) {
	missing, dead := socketPath(t), socketPath(t)
	deadSocket(t, dead)
	for _, path := range []string{missing, dead} {
		_, err := client(t, path, "").Status(t.Context())
		if !errors.Is(err, admin.ErrNotRunning) {
			t.Fatalf("status on %s: %v, want ErrNotRunning", path, err)
		}
		want := "nobody listens on unix/" + path + ": is dwaar running? Start it with `dwaar run`, or say where it listens with --admin or --data"
		if err.Error() != want {
			t.Errorf("err = %q, want %q", err, want)
		}
	}
}

func TestClientSaysThatItWasStopped(t *testing.T) {
	c, _ := onSocket(t, newController())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

// strangerOn answers every request on a fresh socket by h.
func strangerOn(t *testing.T, h http.HandlerFunc) *admin.Client {
	t.Helper()
	path := socketPath(t)
	deadSocket(t, path) // makes the directory
	path += "2"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return client(t, path, "")
}

func TestClientBelievesNoStranger(t *testing.T) {
	c := strangerOn(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	_, err := c.Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "reading the answer of unix/") {
		t.Errorf("status from a web page: %v", err)
	}
	if err := c.Refresh(t.Context(), "", func(admin.Refreshed) {}); err == nil || !strings.Contains(err.Error(), "reading the answer") {
		t.Errorf("refresh from a web page: %v", err)
	}
	c = strangerOn(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "teapot", http.StatusTeapot) })
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "418 I'm a teapot teapot") {
		t.Errorf("status from a teapot: %v", err)
	}
	c = strangerOn(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "asking dwaar on unix/") {
		t.Errorf("status from one who hangs up: %v", err)
	}
}
