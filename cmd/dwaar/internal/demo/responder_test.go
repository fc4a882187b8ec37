package demo_test

import (
	"context"
	"crypto"
	"encoding/base64"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/demo"
	"dwaar/ocspsvc"
)

func escape(der []byte) string { return url.PathEscape(base64.StdEncoding.EncodeToString(der)) }

// runOnce runs the demo in a fresh directory until it ends by itself.
func runOnce(t *testing.T, serve func(ctx context.Context, config, data string) error) error {
	return demo.Run(t.Context(), demo.Options{Dir: t.TempDir(), Command: "dwaar", Stdout: &page{}, Serve: serve, Log: slog.New(slog.DiscardHandler)})
}

func running(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	out, _ := start(t, dir, barren)
	out.await(t, "proxy")
	return dir
}

func TestResponderFollowsTheTextFile(t *testing.T) {
	dir := running(t)
	serial := certificates(t, dir, "localhost.pem")[0].SerialNumber.Text(16)
	for _, c := range []struct {
		text   string
		status ocspsvc.Status
		reason string
	}{
		{"", ocspsvc.Good, ""},
		{"localhost\n", ocspsvc.Revoked, "unspecified"},
		{"# localhost\nother.example\n", ocspsvc.Good, ""},
		{"LOCALHOST keyCompromise\n", ocspsvc.Revoked, "keyCompromise"},
		{strings.ToUpper(serial) + " superseded", ocspsvc.Revoked, "superseded"},
	} {
		write(t, dir, "revoked.txt", c.text)
		time.Sleep(time.Second) // what was read last is trusted for as long
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			v, _ := ask(t, dir, method)
			if v.Status != c.status || c.reason != "" && v.RevocationReason.String() != c.reason {
				t.Errorf("%s with %q: %s %s, want %s %s", method, c.text, v.Status, v.RevocationReason, c.status, c.reason)
			}
		}
	}
}

// RFC 6960 §2.2: what was revoked was revoked then, whatever is written later.
func TestRevocationTimeStays(t *testing.T) {
	dir := running(t)
	write(t, dir, "revoked.txt", "localhost\n")
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "revoked.txt"), hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	before, _ := ask(t, dir, http.MethodPost)
	write(t, dir, "revoked.txt", "localhost\nother\n")
	time.Sleep(time.Second)
	if after, _ := ask(t, dir, http.MethodPost); !after.RevokedAt.Equal(before.RevokedAt) || hourAgo.Sub(before.RevokedAt).Abs() > time.Second {
		t.Errorf("revoked at %v, later at %v", before.RevokedAt, after.RevokedAt)
	}
}

func TestResponderSaysNoMoreThanItKnows(t *testing.T) {
	dir := running(t)
	chain := certificates(t, dir, "localhost.pem")
	address := chain[0].OCSPServer[0]
	own, err := ocspsvc.NewCertID(chain[0], chain[1], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	never, foreign := own, own
	never.Serial, never.Raw = big.NewInt(4711), nil
	foreign.KeyHash, foreign.Raw = make([]byte, 32), nil
	r, err := ocspsvc.ParseResponse(send(t, address, http.MethodPost, request(t, never, own)))
	if err != nil || len(r.Singles) != 2 || r.Singles[0].Status != ocspsvc.Unknown || r.Singles[1].Status != ocspsvc.Good {
		t.Errorf("never issued and own: %+v, %v; want unknown and good", r, err)
	}
	if r, err := ocspsvc.ParseResponse(send(t, address, http.MethodPost, request(t, foreign))); err != nil || r.ResponseStatus != ocspsvc.Unauthorized {
		t.Errorf("another CA's: %+v, %v; want unauthorized", r, err)
	}
	write(t, dir, "revoked.txt", "localhost sometimes\n")
	time.Sleep(time.Second)
	if r, err := ocspsvc.ParseResponse(send(t, address, http.MethodPost, request(t, own))); err != nil || r.ResponseStatus != ocspsvc.InternalError {
		t.Errorf("answer with a bad text file %+v, %v; want internalError", r, err)
	}
}

func TestUpstreamGreets(t *testing.T) {
	dir := running(t)
	body, status := exchange(t, "http://"+local(readPorts(t, dir).Upstream)+"/path", http.MethodPost, nil)
	if status != 200 || !strings.HasPrefix(string(body), "Hello from behind dwaar: POST /path") {
		t.Errorf("upstream: %d %s", status, body)
	}
}

func TestStartWithARevokedCertificateSaysSo(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "revoked.txt", "localhost\n")
	out, stop := start(t, dir, barren)
	out.await(t, "The certificate is revoked, since")
	if err := stop(); err != nil {
		t.Error(err)
	}
	dir = t.TempDir()
	write(t, dir, "revoked.txt", "localhost sometimes\n")
	if err := demo.Run(t.Context(), demo.Options{Dir: dir, Stdout: &page{}, Serve: barren, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "revoked.txt:1:") {
		t.Errorf("a bad line in revoked.txt: %v", err)
	}
}

func TestDemoSaysWhyThereIsNoStaple(t *testing.T) {
	bare := func(dir string) func(context.Context, string, string) error {
		return func(ctx context.Context, _, _ string) error { return serveTLS(ctx, t, dir, nil) }
	}
	wrong := func(dir string) func(context.Context, string, string) error {
		return func(ctx context.Context, _, _ string) error { return serveTLS(ctx, t, dir, []byte("staple")) }
	}
	for want, proxy := range map[string]func(string) func(context.Context, string, string) error{
		"the handshake brings none":   bare,
		"malformed":                   wrong,
		"connect: connection refused": func(string) func(context.Context, string, string) error { return barren },
	} {
		dir := t.TempDir()
		err := demo.Run(t.Context(), demo.Options{
			Dir: dir, Stdout: &page{}, Serve: proxy(dir), Log: slog.New(slog.DiscardHandler), StapleWait: 500 * time.Millisecond,
		})
		if err == nil || !strings.HasPrefix(err.Error(), "demo: no staple within 500ms: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("demo without a staple: %v, want %q", err, want)
		}
	}
}
