package server_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/ocspsvc/ocsptest"
)

// S1: a cold start with a live responder, then a restart with a dead one.
func TestFirstHandshakeIsStapledAlsoAfterARestartWithADeadResponder(t *testing.T) {
	h := newHouse(t)
	leaf := h.leaf(t, "a.example")
	h.write(t, "", "", "a.example")
	_, stop := h.start(t)
	want := h.stapled(t, "a.example", leaf)
	stop()
	h.responder.Set(ocsptest.Hang)
	before := h.responder.Count()
	h.start(t)
	if got := h.stapled(t, "a.example", leaf); !bytes.Equal(got, want) {
		t.Error("the restart staples other bytes than those that were stored")
	}
	if asked := h.responder.Count() - before; asked != 0 {
		t.Errorf("the restart asked %d times although it has a fresh staple", asked)
	}
}

// S2: a responder that accepts and never answers delays a start by start_wait,
// and no handshake.
func TestHangingResponderDelaysAStartByStartWaitAtMost(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.responder.Set(ocsptest.Hang)
	h.write(t, "", "\t\tstart_wait 100ms", "a.example")
	h.start(t)
	h.bare(t, "a.example")
	if h.responder.Count() == 0 {
		t.Error("the responder was never asked")
	}
}

// V2: the staple goes, on_revoked decides, the operator's files stay.
func TestRevokedCertificateIsRefusedOrServedAsTheOperatorSays(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.write(t, "", "", "a.example")
	srv, _ := h.start(t)
	h.responder.Set(ocsptest.Revoked)
	h.admin(t, "POST", "/ocsp/refresh?name=a.example")
	if _, err := h.handshake("a.example"); err == nil {
		t.Error("a revoked certificate is served, want the alert unrecognized_name")
	}
	if c := h.status(t).Certificates[0]; !c.Revoked || c.Staple.Reason != "revoked" {
		t.Errorf("status says revoked %v, reason %q", c.Revoked, c.Staple.Reason)
	}
	h.write(t, "", "\t\ton_revoked serve", "a.example")
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.bare(t, "a.example")
	for _, file := range []string{"a.example.pem", "a.example.key"} {
		if !exists(filepath.Join(h.dir, file)) {
			t.Errorf("the operator's file %s is gone", file)
		}
	}
}

func TestMetricsComeFromEveryPart(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.write(t, "", "", "a.example")
	h.start(t)
	metrics := string(h.admin(t, "GET", "/metrics"))
	for _, name := range []string{"dwaar_ocsp_", "dwaar_tls_", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("no metric %s… in\n%s", name, metrics)
		}
	}
}

func TestStartFailsEarlyAndLeavesNothing(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.write(t, "", "", "a.example")
	taken, err := net.Listen("tcp", "127.0.0.1:"+h.port)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	srv, err := server.New(h.options())
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Run(t.Context()); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), h.port) {
		t.Errorf("Run = %v, want an error that names the port in use", err)
	}
	if h.responder.Count() != 0 {
		t.Error("a start that must fail asked a responder first")
	}
	if exists(filepath.Join(h.data(), "admin.sock")) {
		t.Error("the admin socket is left behind")
	}
}

func TestRunLeavesNoGoroutineBehind(t *testing.T) {
	h := newHouse(t)
	leaf := h.leaf(t, "a.example")
	h.write(t, "", "", "a.example")
	before := runtime.NumGoroutine()
	_, stop := h.start(t)
	h.stapled(t, "a.example", leaf)
	stop()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, n, buf[:runtime.Stack(buf, true)])
	}
}

func TestStopDuringStartEndsRun(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.responder.Set(ocsptest.Hang)
	h.write(t, "", "\t\tstart_wait 1h", "a.example")
	srv, err := server.New(h.options())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	for h.responder.Count() == 0 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct{ name, text, want string }{
		{"no file", "", "no such file"},
		{"bad option", "{\n\tno_such_option\n}\n", "Dwaarfile:2:2: "},
		{"no certificate", "a.example {\n\ttls a.pem a.key\n}\n", "Dwaarfile:2:2: tls: "},
		{"storage under a file", "{\n\tstorage file_system Dwaarfile/x\n}\nhttp://a.example {\n\trespond hi\n}\n", "storage"},
		{"log in no directory", "{\n\tlog {\n\t\toutput file no/such.log\n\t}\n}\nhttp://a.example {\n\trespond hi\n}\n", "log: "},
		{"override of no issuer", "{\n\tocsp {\n\t\tresponder none.pem http://ocsp.example\n\t}\n}\nhttp://a.example {\n\trespond hi\n}\n", "Dwaarfile:3:3: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.text != "" {
				ocsptest.WriteFile(t, h.dir, "Dwaarfile", []byte(test.text))
			}
			if _, err := server.New(h.options()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestCheckReportsEveryProblemAndOpensNothing(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.leaf(t, "old.example", ocsptest.Validity(-48*time.Hour, -24*time.Hour))
	path := h.write(t, "", "", "a.example", "old.example")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	more := "b.example {\n\ttls a.example.pem a.example.key\n}\nc.example {\n\ttls a.example.pem old.example.key\n}\nd.example {\n\ttls none.pem none.key\n}\n"
	ocsptest.WriteFile(t, h.dir, "Dwaarfile", append(text, more...))
	warnings, err := server.Check(path)
	if err == nil {
		t.Fatal("no error for a mismatched and a missing key")
	}
	expectLines(t, "problems", strings.Split(err.Error(), "\n"), ":23:2: tls: ", ":26:2: tls: ")
	expectLines(t, "warnings", warnings, ":16:2: tls: the certificate expired at ", ":20:2: tls: the certificate is not for b.example")
	if h.responder.Count() != 0 || exists(h.data()) {
		t.Error("checking asked a responder or made the data directory")
	}
}

// expectLines fails unless each line has the words in its place.
func expectLines(t *testing.T, what string, got []string, words ...string) {
	t.Helper()
	if len(got) != len(words) {
		t.Fatalf("%s: %q, want %d", what, got, len(words))
	}
	for i, word := range words {
		if !strings.Contains(got[i], word) {
			t.Errorf("%s: %q, want %q in it", what, got[i], word)
		}
	}
}
