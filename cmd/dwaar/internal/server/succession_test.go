package server_test

import (
	"crypto/tls"
	"net"
	"os"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/tlsstore"
)

// A reload does not let in a certificate that waits for its staple while the
// one before serves: clients might refuse it without one.
func TestReloadLeavesASuccessorWaitingForItsStaple(t *testing.T) { // S13
	h := newHouse(t)
	h.writeLocal(t, "localhost")
	srv, _ := h.start(t)
	h.awaitLocal(t, "localhost")
	before := h.leaf(t, "localhost")
	if err := srv.Hold("localhost", pair(t, before), nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := h.serial(t, "localhost"); got != before.Cert.SerialNumber.String() {
			t.Fatalf("serial %s is served, want the one before", got)
		}
		if err := srv.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.serial(t, "localhost"); got != before.Cert.SerialNumber.String() {
		t.Error("a reload serves the certificate that waits")
	}
}

// A certificate that is put away for being revoked, while the one before serves
// on, leaves the manager with none until it has another.
func TestReloadKeepsTheCertificateBeforeARevokedSuccessor(t *testing.T) { // V1
	h := newHouse(t)
	dead := freePort(t)
	path := h.write(t, "\tacme_ca https://127.0.0.1:"+dead+"/dir\n\thttp_port "+freePort(t), "")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ocsptest.WriteFile(t, h.dir, "Dwaarfile", append(text, "auto.example {\n\trespond hi\n}\n"...))
	srv, _ := h.start(t)
	before, revoked := h.leaf(t, "auto.example"), h.leaf(t, "auto.example")
	h.responder.SetFor(revoked, ocsptest.Revoked)
	if err := srv.Hold("auto.example", pair(t, before), pair(t, revoked)); err != nil {
		t.Fatal(err)
	}
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.serial(t, "auto.example"); got != before.Cert.SerialNumber.String() {
		t.Errorf("serial %s is served, want the good one before", got)
	}
}

// A CA that revokes what it has just issued must not cost a site the
// certificate that is still good.
func TestRevokedSuccessorIsNotServed(t *testing.T) { // V1
	h := newHouse(t)
	path := h.write(t, "", "")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ocsptest.WriteFile(t, h.dir, "Dwaarfile", append(text, "localhost {\n\trespond hi\n}\n"...))
	srv, _ := h.start(t)
	first := h.awaitLocal(t, "localhost").SerialNumber.String()
	next := h.leaf(t, "localhost")
	h.responder.SetFor(next, ocsptest.Revoked)
	srv.Succeed(t.Context(), "localhost", pair(t, next))
	if got := h.serial(t, "localhost"); got != first {
		t.Errorf("serial %s is served, want the good one before", got)
	}
	h.responder.Set(ocsptest.Good)
	better := h.leaf(t, "localhost")
	srv.Succeed(t.Context(), "localhost", pair(t, better))
	h.stapled(t, "localhost", better)
}

func pair(t *testing.T, leaf *ocsptest.Leaf) *tlsstore.Pair {
	t.Helper()
	p, err := tlsstore.ParsePair(leaf.ChainPEM(), leaf.KeyPEM(t))
	if err != nil {
		t.Fatal(err)
	}
	return p.From(tlsstore.SourceACME)
}

// serial is that of what anybody gets for name.
func (h *house) serial(t *testing.T, name string) string {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", "127.0.0.1:"+h.port,
		&tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}
