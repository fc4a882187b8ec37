package integration

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// afterBackoff bounds what happens once the first pause after a failure, of one minute, is
// over.
const afterBackoff = 2 * time.Minute

// V1, the loop that proves the product: obtained, stapled good, revoked, replaced by one with
// another key that is stapled good; the old one in quarantine. Outside clients agree at both ends.
func TestRevokedCertificateIsReplacedWithinSeconds(t *testing.T) {
	t.Parallel()
	for how, refreshEvery := range map[string]string{"when told to look": "", "by itself": "refresh_every 2s"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := newRevocable(t, binaries.Race, pebble.Config{})
			r.automatic("shop.example.test", "")
			r.start(r.global(), refreshEvery)
			old := r.awaitStapled("A1", "shop.example.test", nil, soon)
			r.judgedGood("shop.example.test")

			r.revoke(old.Leaf)
			if refreshEvery == "" {
				r.Do("ocsp", "refresh", "shop.example.test")
			}
			next := r.awaitStapled("V1", "shop.example.test", old.Leaf, soon)
			r.judgedGood("shop.example.test")
			r.replaced("shop.example.test", old.Leaf, next.Leaf)
			record := r.awaitRecord("V1", "ERROR", "certificate is revoked, replacing it")
			if record["reason"] != "keyCompromise" || record["revoked_at"] == "" {
				t.Errorf("V1: the log says reason %q, revoked_at %q", record["reason"], record["revoked_at"])
			}
			orders := r.Pebble.Orders()
			if len(orders) != 2 || orders[1].Replaces == "" || r.Pebble.AccountKeys() != 1 {
				t.Errorf("V1: %d account keys, orders %+v; want two orders, the second one saying what it replaces", r.Pebble.AccountKeys(), orders)
			}
		})
	}
}

// V1 while the CA is down: refused (or served unstapled), also to those who want to resume a
// session, and replaced when the CA is back.
func TestRevokedCertificateWhileTheCAIsDown(t *testing.T) {
	t.Parallel()
	for policy, served := range map[string]bool{"refuse": false, "serve": true} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			r := newRevocable(t, binaries.Race, pebble.Config{})
			r.automatic("bad.test", "")
			r.start(r.global(), "on_revoked "+policy)
			old := r.awaitStapled("A1", "bad.test", nil, soon)
			sessions := map[string]string{}
			for version, id := range versions {
				sessions[version] = r.keepSession("bad.test", id)
			}
			r.Pebble.Down()
			r.revoke(old.Leaf)
			r.Do("ocsp", "refresh", "bad.test")
			r.AwaitReason("bad.test", "revoked", soon)
			for range 3 {
				r.revokedIs(served)
			}
			if !served {
				r.awaitRecord("V1", "WARN", "handshake refused", "reason=revoked", "bad.test")
			}
			r.awaitRecord("V1", "WARN", "getting a certificate failed", "bad.test")
			r.inQuarantine("bad.test", old.Leaf)
			for version, id := range versions {
				out := r.resume("bad.test", id, sessions[version])
				if served != (out.Code == 0) || out.Has("Reused, ") && !served {
					t.Errorf("V1, %s: a session from before the revocation: exit %d, want served = %v\n%s", version, out.Code, served, out.Text)
				}
			}
			r.Pebble.Up()
			if served { // one by hand, the other by itself
				r.Must("certs", "reissue", "bad.test")
			}
			next := r.awaitStapled("V1, the CA is back", "bad.test", old.Leaf, afterBackoff)
			r.replaced("bad.test", old.Leaf, next.Leaf)
			for version, id := range versions {
				out := r.resume("bad.test", id, sessions[version])
				if out.Code != 0 || out.Has("Reused, ") {
					t.Errorf("V1, %s: a session of the revoked certificate was resumed: exit %d\n%s", version, out.Code, out.Text)
				}
			}
			r.judgedGood("bad.test")
		})
	}
}

// V1: where a revoked certificate is served on, no handshake fails while it is replaced, and its
// successor is never seen without a staple.
func TestRevokedCertificateIsReplacedWithoutAGap(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	r.automatic("gapless.test", "")
	r.start(r.global(), "on_revoked serve")
	old := r.awaitStapled("A1", "gapless.test", nil, soon)
	r.revoke(old.Leaf)
	told := make(chan struct{})
	go func() {
		defer close(told)
		_ = r.Command("ocsp", "refresh", "gapless.test").Run()
	}()
	var last client.Handshake
	for end := time.Now().Add(soon); last.Leaf == nil || last.Leaf.Equal(old.Leaf); {
		last = r.shake("gapless.test")
		if time.Now().After(end) {
			t.Fatalf("V1: not replaced within %v", soon)
		}
	}
	if err := last.GoodStaple(); err != nil {
		t.Errorf("V1: the first handshake with the successor: %v", err)
	}
	<-told
	r.replaced("gapless.test", old.Leaf, last.Leaf)
}

// keepSession has openssl keep a session in a file, and makes sure that it can be resumed:
// else it would prove nothing.
func (h *house) keepSession(name string, version uint16) (file string) {
	h.t.Helper()
	file = filepath.Join(h.t.TempDir(), "session.pem")
	if out := h.sClient(name, version, "-sess_out", file); out.Code != 0 || !out.Has("New, ") {
		h.t.Fatalf("openssl s_client -sess_out: exit %d\n%s", out.Code, out.Text)
	}
	if out := h.resume(name, version, file); out.Code != 0 || !out.Has("Reused, ") {
		h.t.Fatalf("openssl s_client -sess_in does not resume: exit %d\n%s", out.Code, out.Text)
	}
	return file
}

func (h *house) resume(name string, version uint16, file string) client.Output {
	h.t.Helper()
	return h.sClient(name, version, "-sess_in", file)
}

// sClient makes a request, so that the tickets of TLS 1.3 arrive.
func (h *house) sClient(name string, version uint16, more ...string) client.Output {
	h.t.Helper()
	flag := map[uint16]string{tls.VersionTLS12: "-tls1_2", tls.VersionTLS13: "-tls1_3"}[version]
	args := append([]string{"s_client", "-connect", h.Addr(), "-servername", name, "-CAfile", h.roots, "-ign_eof", flag}, more...)
	return client.RunToolOn(h.t, "GET / HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n", "openssl", args...)
}

// V1: killed between the revocation and the replacement, dwaar replaces it after a restart,
// and never serves the revoked one again.
func TestReplacementSurvivesAKill(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	r.automatic("killed.test", "")
	r.start(r.global(), "")
	old := r.awaitStapled("A1", "killed.test", nil, soon)
	r.Pebble.Down()
	r.revoke(old.Leaf)
	r.Do("ocsp", "refresh", "killed.test")
	r.AwaitReason("killed.test", "revoked", soon)
	r.Kill()

	r.Start() // with the CA still down
	for range 5 {
		if shown, err := r.try("killed.test"); err == nil {
			t.Fatalf("V1: serial %x is served after the restart", shown.Leaf.SerialNumber)
		}
	}
	r.Kill()
	r.Pebble.Up()
	r.Start()
	next := r.awaitStapled("V1, after the restart", "killed.test", old.Leaf, soon)
	r.replaced("killed.test", old.Leaf, next.Leaf)
	if n := r.Pebble.AccountKeys(); n != 1 {
		t.Errorf("%d account keys at the CA, want 1", n)
	}
}

// V1 and A6: two dwaars on one storage notice one revocation, and place one order for it.
func TestTwoDwaarsReplaceARevokedCertificateOnce(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	shared := "\n\tstorage file_system " + t.TempDir()
	pair := []*house{r.house, r.beside()}
	for _, h := range pair {
		h.automatic("both.test", "")
		h.start(r.global()+shared, "")
	}
	last := r.awaitStapled("A6", "both.test", nil, soon).Leaf
	for round := range 3 {
		for _, h := range pair {
			shown := h.awaitStapled("A6", "both.test", nil, soon)
			if !shown.Leaf.Equal(last) {
				t.Fatalf("A6, round %d: one serves serial %x, the other %x", round, shown.Leaf.SerialNumber, last.SerialNumber)
			}
		}
		if n := len(r.Pebble.Orders()); n != round+1 {
			t.Fatalf("A6: %d orders after %d revocations: %+v", n, round, r.Pebble.Orders())
		}
		r.revoke(last)
		tell(pair, "both.test").Wait()
		last = r.awaitStapled("V1", "both.test", last, soon).Leaf
	}
	if n := r.Pebble.Requests("/finalize-order/"); n > 4 {
		t.Errorf("A6: %d certificates were asked for, want 4", n)
	}
}

// tell has every dwaar look at the revocation of name, at the same time.
func tell(all []*house, name string) *sync.WaitGroup {
	var told sync.WaitGroup
	for _, h := range all {
		cmd := h.Command("ocsp", "refresh", name)
		told.Go(func() { _ = cmd.Run() }) // it fails if its dwaar is killed meanwhile
	}
	return &told
}

// V1 and A6: where one of two dwaars is killed while a certificate is being replaced, the other
// one goes on at once, and the killed one takes over what it finds.
func TestTheOtherDwaarFinishesAReplacement(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Plain, pebble.Config{})
	shared := "\n\tstorage file_system " + t.TempDir()
	other := r.beside()
	pair := []*house{r.house, other}
	for _, h := range pair {
		h.automatic("left.test", "")
		h.start(r.global()+shared, "")
	}
	last := r.awaitStapled("A6", "left.test", nil, soon).Leaf
	for range 8 {
		if shown := other.awaitStapled("A6", "left.test", nil, soon); !shown.Leaf.Equal(last) {
			t.Fatalf("A6: one serves serial %x, the other %x", last.SerialNumber, shown.Leaf.SerialNumber)
		}
		r.revoke(last)
		told := tell(pair, "left.test")
		time.Sleep(rand.N(500 * time.Millisecond))
		other.Kill()
		last = r.awaitStapled("V1, by the one that is left", "left.test", last, soon).Leaf
		told.Wait()
		other.Start()
	}
	if n := r.Pebble.AccountKeys(); n != 1 {
		t.Errorf("%d account keys at the CA, want 1", n)
	}
}

// S13: a certificate that was ordered as must-staple is refused until its staple is there.
func TestMustStapleCertificateFromTheCA(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	r.OCSP.Behave(responder.Status(503))
	r.automatic("must.test", "must_staple")
	r.start(r.global(), "must_staple_wait 5m\n\t\tstart_wait 100ms")
	wait.Until(t, soon, "the certificate", func() error {
		if cert, err := r.Certificate("must.test"); err != nil || cert.Serial == "" {
			return fmt.Errorf("%+v, %w", cert, err)
		}
		return nil
	})
	for range 3 {
		if _, err := r.try("must.test"); !hasAlert(err, "unrecognized name") {
			t.Fatalf("S13: a must-staple certificate without a staple: %v, want it refused", err)
		}
	}
	r.awaitRecord("S13", "WARN", "handshake refused", "must_staple", "must.test")
	r.OCSP.Behave(r.answer)
	r.Do("ocsp", "refresh", "must.test")
	shown := r.awaitStapled("S13", "must.test", nil, soon)
	if !bytes.Contains(shown.Leaf.Raw, []byte{0x30, 3, 2, 1, 5}) {
		t.Error("S13: the certificate is not must-staple (RFC 7633)")
	}
	r.judgedGood("must.test")
}
