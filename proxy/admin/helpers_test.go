package admin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/proxy/admin"
)

// cannedController answers what it was given and notes what it was asked.
type cannedController struct {
	status    admin.Status
	ready     bool
	reloadErr error
	refresh   func(ctx context.Context, fingerprint string) (admin.Outcome, error)
	replace   func(ctx context.Context, name string) error // of Renew and Reissue

	mu        sync.Mutex
	replaced  []string // "renew NAME" and "reissue NAME"
	reloads   []string
	refreshes []string
	stopped   chan struct{}
}

func (c *cannedController) Status() admin.Status { return c.status }
func (c *cannedController) Ready() error {
	if !c.ready {
		return errors.New("starting")
	}
	return nil
}
func (c *cannedController) Stop() { close(c.stopped) }

func (c *cannedController) ReloadFile(_ context.Context, path string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reloads = append(c.reloads, path)
	return c.reloadErr
}

// outcome is that of a refresh after which a staple is in this state.
func outcome(state, reason string) admin.Outcome {
	return admin.Outcome{Reason: reason, Staple: admin.Staple{State: state, Reason: reason}}
}

func (c *cannedController) Refresh(ctx context.Context, fp string) (admin.Outcome, error) {
	c.mu.Lock()
	c.refreshes = append(c.refreshes, fp)
	c.mu.Unlock()
	if c.refresh != nil {
		return c.refresh(ctx, fp)
	}
	return outcome("fresh", "good"), nil
}

func (c *cannedController) Renew(ctx context.Context, name string) error {
	return c.replacing(ctx, "renew", name)
}

func (c *cannedController) Reissue(ctx context.Context, name string) error {
	return c.replacing(ctx, "reissue", name)
}

func (c *cannedController) replacing(ctx context.Context, how, name string) error {
	c.mu.Lock()
	c.replaced = append(c.replaced, how+" "+name)
	c.mu.Unlock()
	if c.replace != nil {
		return c.replace(ctx, name)
	}
	return nil
}

func (c *cannedController) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "dwaar_up 1\n")
	})
}

var moment = time.Date(2026, 3, 1, 12, 0, 0, 987654321, time.FixedZone("CET", 3600))

func newController() *cannedController {
	return &cannedController{
		ready:   true,
		stopped: make(chan struct{}),
		status: admin.Status{
			Version: "v1", Started: moment, Config: "/etc/Dwaarfile", Listeners: []string{":443"}, Ready: true,
			LastReload: &admin.Reload{At: moment},
			Certificates: []admin.Certificate{
				{
					Names: []string{"www.example.com", "example.com"}, Source: "manual", Issuer: "CN=Inter", Serial: "0a", Fingerprint: "aa11",
					NotBefore: moment, NotAfter: moment.Add(time.Hour),
					Staple: admin.Staple{State: "fresh", Reason: "good", ThisUpdate: moment, NextUpdate: moment.Add(time.Hour), Responder: "http://ocsp.example.com"},
				},
				{Names: []string{"*.example.com"}, Source: "manual", Fingerprint: "bb22", Staple: admin.Staple{State: "none", Reason: "no_responder"}},
			},
		},
	}
}

// socketPath is short: a test's own directory may be longer than a socket's path may be.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dwaar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "data", admin.SocketName)
}

// serve runs a server until the test or the returned stop ends it.
func serve(t *testing.T, cfg admin.Config, ctl admin.Controller) (stop func()) {
	t.Helper()
	srv, err := admin.New(cfg, ctl, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func client(t *testing.T, target, token string) *admin.Client {
	t.Helper()
	addr, err := admin.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	c, err := admin.NewClient(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onSocket serves ctl on a fresh socket and returns its client and path.
func onSocket(t *testing.T, ctl admin.Controller) (*admin.Client, string) {
	t.Helper()
	path := socketPath(t)
	serve(t, admin.Config{Listen: "unix/" + path}, ctl)
	return client(t, path, ""), path
}

// raw is an HTTP client of the socket, for what the Client hides.
func raw(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
}

func body(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func timeoutError() error {
	return &ocspsvc.Error{Reason: ocspsvc.ReasonTimeout, Err: errors.New("no answer within 10s")}
}
