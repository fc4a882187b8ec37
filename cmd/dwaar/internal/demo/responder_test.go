package demo_test

import (
	"context"
	"crypto"
	"crypto/x509"
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
	"dwaar/ocspsvc/certdb"
)

func escape(der []byte) string { return url.PathEscape(base64.StdEncoding.EncodeToString(der)) }

// runOnce runs the demo in a fresh directory until it ends by itself.
func runOnce(t *testing.T, serve func(ctx context.Context, config, data string) error) error {
	return runIn(t, t.TempDir(), serve)
}

func runIn(t *testing.T, dir string, serve func(ctx context.Context, config, data string) error) error {
	return demo.Run(t.Context(), demo.Options{Dir: dir, Command: "dwaar", Stdout: &page{}, Serve: serve, Log: slog.New(slog.DiscardHandler)})
}

func running(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	out, _ := start(t, dir, barren)
	out.await(t, "proxy")
	return dir
}

// books opens the demo's database, as the command ca does.
func books(t *testing.T, dir string) (db *certdb.DB, leaf, issuer *x509.Certificate) {
	t.Helper()
	db, err := certdb.Use(t.Context(), certdb.DSN("sqlite:"+filepath.Join(dir, "certs.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	chain := certificates(t, dir, "localhost.pem")
	return db, chain[0], chain[1]
}

// revoke revokes the demo's certificate.
func revoke(t *testing.T, dir string, reason ocspsvc.RevocationReason) {
	t.Helper()
	db, leaf, issuer := books(t, dir)
	if _, err := db.Revoke(t.Context(), issuer, leaf.SerialNumber, time.Now(), reason); err != nil {
		t.Fatal(err)
	}
}

func TestResponderFollowsTheDatabase(t *testing.T) {
	dir := running(t)
	// What was read last is trusted for a second.
	says := func(want ocspsvc.Status, reason ocspsvc.RevocationReason) {
		t.Helper()
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			v, _ := ask(t, dir, method)
			for tries := 0; tries < 500 && v.Status != want; tries++ {
				time.Sleep(20 * time.Millisecond)
				v, _ = ask(t, dir, method)
			}
			if v.Status != want || v.RevocationReason != reason {
				t.Errorf("%s: %s %s, want %s %s", method, v.Status, v.RevocationReason, want, reason)
			}
		}
	}
	says(ocspsvc.Good, 0)
	revoke(t, dir, ocspsvc.CertificateHold)
	says(ocspsvc.Revoked, ocspsvc.CertificateHold)
	db, leaf, issuer := books(t, dir)
	if _, err := db.Unrevoke(t.Context(), issuer, leaf.SerialNumber); err != nil {
		t.Fatal(err)
	}
	says(ocspsvc.Good, 0)
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
	for reason, want := range map[ocspsvc.RevocationReason]string{
		ocspsvc.CertificateHold: "(certificateHold): dwaar refuses to serve it.\nIt is only on hold, so that can be lifted:\n  dwaar ca unrevoke ",
		ocspsvc.KeyCompromise:   "(keyCompromise): dwaar refuses to serve it.\nIt stays so. Without its file the next demo makes another one:\n  rm " + dir + "/localhost.pem\n",
	} {
		out, stop := start(t, dir, barren)
		out.await(t, "proxy")
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		revoke(t, dir, reason)
		out, stop = start(t, dir, barren)
		out.await(t, want)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := os.Remove(filepath.Join(dir, "localhost.pem")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADatabaseThatIsNoneIsSaid(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "certs.db", "this is not the file that it should be, and SQLite says so")
	if err := runIn(t, dir, barren); err == nil || !strings.HasPrefix(err.Error(), "demo: making the demo's database: ") {
		t.Errorf("a broken database: %v", err)
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
