package integration

import (
	"crypto"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/integration/internal/database"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/wait"
)

// promised is how long a revocation may take to be in all answers.
const promised = time.Second

// Issue 5: what is revoked by way of the database is in the answers of every
// responder on it within a second; kill -9 of one leaves nothing behind.
func TestRespondersOnOneSQLite(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, "")
	r.seesRevocations(t)
}

// respondersShare is the same over a server, and what happens when that is down.
func respondersShare(t *testing.T, server *database.Server) {
	r := newRegistry(t, server.New(t))
	r.seesRevocations(t)
	r.outlivesTheDatabase(t)
}

func (r *registry) seesRevocations(t *testing.T) {
	t.Helper()
	leaf := r.leaf("revoked")
	other := r.leaf("other")
	r.do("add", r.path("revoked.pem"), r.path("other.pem"))
	one, two := dwaar.StartResponder(t, binaries.Plain, r.flags...), dwaar.StartResponder(t, binaries.Plain, r.flags...)
	for _, responder := range []*dwaar.Responder{one, two} {
		r.expect(responder, "revoked", "good")
	}
	var watch sync.WaitGroup
	var lastGood time.Time // when it was asked for
	watch.Go(func() {
		for said := "good"; said == "good"; {
			asked := time.Now()
			var err error
			if said, err = r.ask(two.URL, leaf, crypto.SHA1); err != nil {
				t.Errorf("asking while it is revoked: %v", err)
				return
			}
			if said == "good" {
				lastGood = asked
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	time.Sleep(300 * time.Millisecond) // in the middle of a record's second
	r.do("revoke", r.path("revoked.pem"), "--reason", "keyCompromise")
	done := time.Now()
	watch.Wait()
	took := max(lastGood.Sub(done), 0)
	t.Logf("%s: good was last said %v after dwaar ca revoke had ended", kindOf(r.database), took.Round(time.Millisecond))
	if took > promised {
		t.Errorf("a revocation took %v to be in the other's answers, want %v", took, promised)
	}
	one.Kill()
	r.expect(two, "revoked", "revoked")
	if said, err := r.ask(two.URL, other, crypto.SHA256); err != nil || said != "good" {
		t.Errorf("after kill -9 of the first: %s, %v", said, err)
	}
	again := dwaar.StartResponder(t, binaries.Plain, r.flags...)
	r.expect(again, "revoked", "revoked")
	r.expect(again, "other", "good")
}

func kindOf(dsn string) string {
	kind, _, _ := strings.Cut(dsn, ":")
	return kind
}

// expect fails unless a responder says so about NAME.pem.
func (r *registry) expect(responder *dwaar.Responder, name, want string) {
	r.t.Helper()
	if got := byGo(r, responder.URL, name, "SHA1"); got != want {
		r.t.Errorf("%s: %s, want %s", name, got, want)
	}
}

// outlivesTheDatabase takes the way to the database away and gives it back.
func (r *registry) outlivesTheDatabase(t *testing.T) {
	t.Helper()
	r.leaf("cached")
	r.leaf("fresh")
	r.do("add", r.path("cached.pem"), r.path("fresh.pem"))
	way := newWay(t, r.database)
	flags := append(r.flags[:len(r.flags):len(r.flags)], "--database", way.dsn)
	responder := dwaar.StartResponder(t, binaries.Plain, flags...)
	r.expect(responder, "cached", "good")
	way.close()
	time.Sleep(promised)
	r.expect(responder, "cached", "good")
	r.expect(responder, "fresh", "try later")
	wait.Until(t, 15*time.Second, "readiness to show it", func() error {
		if err := responder.Ready(); err == nil || !strings.Contains(err.Error(), "database cannot be read") {
			return fmt.Errorf("ready: %v", err)
		}
		return nil
	})
	early := dwaar.LaunchResponder(t, binaries.Plain, flags...) // which starts without its database
	wait.Until(t, 15*time.Second, "a responder without a database", func() error {
		if got := byGo(r, early.URL, "fresh", "SHA1"); got != "try later" {
			return fmt.Errorf("it says %s, want try later", got)
		}
		return nil
	})
	way.open(t)
	for _, each := range []*dwaar.Responder{responder, early} {
		wait.Until(t, 15*time.Second, "the database to be found again", each.Ready)
		r.expect(each, "fresh", "good")
	}
	if strings.Contains(responder.Log.String()+early.Log.String(), database.Password) {
		t.Error("the log has the password")
	}
}

// way leads to a database, and can be closed.
type way struct {
	dsn, address, target string

	mu    sync.Mutex // guards the rest
	ln    net.Listener
	conns []net.Conn
}

func newWay(t *testing.T, dsn string) *way {
	t.Helper()
	before, rest, _ := strings.Cut(dsn, "@")
	target, name, _ := strings.Cut(rest, "/")
	w := &way{address: fmt.Sprintf("127.0.0.1:%d", wait.Port(t)), target: target}
	w.dsn = before + "@" + w.address + "/" + name
	w.open(t)
	t.Cleanup(w.close)
	return w
}

func (w *way) open(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.ln = ln
	w.mu.Unlock()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go w.lead(conn)
		}
	}()
}

func (w *way) lead(conn net.Conn) {
	onward, err := net.Dial("tcp", w.target)
	if err != nil {
		_ = conn.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, conn, onward)
	w.mu.Unlock()
	go func() { _, _ = io.Copy(onward, conn); _ = onward.Close() }()
	_, _ = io.Copy(conn, onward)
	_ = conn.Close()
}

func (w *way) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.ln.Close()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}
