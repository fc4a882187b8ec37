package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/proxy/admin"
)

// served is a `dwaar run` in this process.
type served struct {
	t       *testing.T
	h       *house
	address string // https
	http    string
	out     *slowBuffer
	code    chan int
	systemd net.PacketConn
}

// run starts it on free ports and waits until it tells systemd that it is ready.
func (h *house) run(t *testing.T, args ...string) *served {
	t.Helper()
	data, err := os.MkdirTemp("", "dwaar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	t.Setenv("DWAAR_DATA", data)
	t.Setenv("NOTIFY_SOCKET", data+"/notify")
	s := &served{t: t, h: h, address: freePort(t), http: freePort(t), out: &slowBuffer{}, code: make(chan int, 1)}
	if s.systemd, err = net.ListenPacket("unixgram", data+"/notify"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.systemd.Close() })
	s.says("hello")
	go func() { s.code <- Main(append([]string{"run"}, args...), strings.NewReader(""), s.out, s.out) }()
	s.tells("READY=1")
	return s
}

// says writes a Dwaarfile that answers with text.
func (s *served) says(text string) {
	s.t.Helper()
	_, https, _ := net.SplitHostPort(s.address)
	_, plain, _ := net.SplitHostPort(s.http)
	s.h.dwaarfile(s.t, fmt.Sprintf("{\n\thttp_port %s\n\thttps_port %s\n\tdefault_bind 127.0.0.1\n\tocsp {\n\t\tallow 127.0.0.1\n\t}\n}\nlocalhost {\n\ttls leaf.pem leaf.key\n\trespond %s\n}\n", plain, https, text))
}

// tells waits for what systemd is told next.
func (s *served) tells(want string) {
	s.t.Helper()
	_ = s.systemd.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 256)
	n, _, err := s.systemd.ReadFrom(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), want) {
		s.t.Fatalf("systemd is told %q, %v; want %s\n%s", buf[:n], err, want, s.out)
	}
}

// asks asks it as a client, who wants a staple, and returns the answer.
func (s *served) asks() string {
	s.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		RootCAs: s.h.ca.Pool(), ServerName: "localhost",
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.OCSPResponse) == 0 {
				s.t.Error("no staple")
			}
			return nil
		},
	}}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://"+s.address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = "localhost"
	resp, err := transport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func (s *served) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *served) ends(code int) {
	s.t.Helper()
	select {
	case got := <-s.code:
		if got != code {
			s.t.Errorf("run ended with %d, want %d\n%s", got, code, s.out)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatalf("run does not end\n%s", s.out)
	}
}

// nextSecond waits until thisUpdate, which is in whole seconds, is another: a good
// that is as old as the revocation proves nothing.
func nextSecond() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

func TestRunServesReloadsAndStopsBySignal(t *testing.T) {
	s := newHouse(t).run(t)
	if got := s.asks(); got != "hello" {
		t.Errorf("answer %q, want hello", got)
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1} {
		s.says(fmt.Sprintf("after-%d", sig))
		s.signal(sig)
		s.tells("RELOADING=1")
		s.tells("READY=1")
		if got, want := s.asks(), fmt.Sprintf("after-%d", sig); got != want {
			t.Errorf("answer %q, want %q", got, want)
		}
	}
	s.h.dwaarfile(t, "nonsense {")
	s.signal(syscall.SIGHUP)
	s.tells("RELOADING=1")
	s.tells("READY=1")
	if got := s.asks(); got != fmt.Sprintf("after-%d", syscall.SIGUSR1) {
		t.Errorf("after a bad reload: %q", got)
	}
	dwaar(t, "reload", "--config", "Dwaarfile").expect(t, 1, "Dwaarfile:1:", "dwaar: the configuration was refused, the running one stays")
	s.signal(syscall.SIGTERM)
	s.tells("STOPPING=1")
	s.ends(0)
}

func TestRunIsAskedAndStoppedThroughItsSocket(t *testing.T) {
	s := newHouse(t).run(t)
	if got := s.asks(); got != "hello" {
		t.Errorf("answer %q, want hello", got)
	}
	dwaar(t, "status").expect(t, 0, "ready since", "localhost", "fresh", "good")
	dwaar(t, "certs", "show", "localhost").expect(t, 0, s.h.url)
	dwaar(t, "ocsp", "refresh", "localhost").expect(t, 0, "good")
	s.h.responder.Set(ocsptest.Revoked)
	dwaar(t, "ocsp", "refresh", "localhost").expect(t, 1, "revoked", "dwaar: localhost", "The CA has revoked the certificate")
	expectVerdict(t, "unreachable", "ocsp", "check", s.address, "--servername", "localhost", "--ca", s.h.roots) // V2: refused
	nextSecond()
	s.h.responder.Set(ocsptest.Good)
	dwaar(t, "ocsp", "refresh", "--all").expect(t, 0, "good")
	expectVerdict(t, "good", "ocsp", "check", s.address, "--servername", "localhost", "--ca", s.h.roots)

	dwaar(t, "run").expect(t, 1, "dwaar: ", "another dwaar is running")
	dwaar(t, "stop").expect(t, 0, "stopped")
	s.tells("STOPPING=1")
	s.ends(0)
	dwaar(t, "stop").expect(t, 1, "is dwaar running?")
}

func TestRunWatchesItsDwaarfile(t *testing.T) {
	s := newHouse(t).run(t, "--watch")
	s.says("watched")
	s.tells("RELOADING=1")
	s.tells("READY=1")
	if got := s.asks(); got != "watched" {
		t.Errorf("answer %q, want watched", got)
	}
	now := readFile(t, in(s.h.dir, "Dwaarfile"))
	other := ocsptest.WriteFile(t, s.h.dir, "other", []byte(now))
	dwaar(t, "reload", "--config", other).expect(t, 0, "reloaded")
	s.tells("RELOADING=1") // the watcher has gone over to it
	s.tells("READY=1")
	ocsptest.WriteFile(t, s.h.dir, "other", []byte(strings.Replace(now, "respond watched", `respond "watched too"`, 1)))
	s.tells("RELOADING=1")
	s.tells("READY=1")
	if got := s.asks(); got != "watched too" {
		t.Errorf("answer %q, want watched too", got)
	}
	s.signal(syscall.SIGINT)
	s.tells("STOPPING=1")
	s.ends(0)
}

// What is no fault of the Dwaarfile is a failure, not wrong use.
func TestRunThatCannotKeepItsDataFails(t *testing.T) {
	h := newHouse(t)
	h.dwaarfile(t, goodSite)
	file := ocsptest.WriteFile(t, h.dir, "file", nil)
	dwaar(t, "run", "--data", file).expect(t, 1, "dwaar: ", file)
}

func TestRunSaysThatAPortIsTaken(t *testing.T) {
	h := newHouse(t)
	data, err := os.MkdirTemp("", "dwaar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	h.dwaarfile(t, "http://"+taken.Addr().String()+" {\n\trespond hello\n}\n")
	dwaar(t, "run", "--data", data).expect(t, 1, "dwaar: ", "address already in use")
	if _, err := os.Stat(in(data, admin.SocketName)); err == nil {
		t.Error("the admin socket stays behind")
	}
}

func TestDemoIsTheWholeJob(t *testing.T) {
	dir, err := os.MkdirTemp("", "dwaar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Chdir(dir)
	out, code := &slowBuffer{}, make(chan int, 1)
	go func() { code <- Main([]string{"demo"}, strings.NewReader(""), out, out) }()
	for range 1000 {
		if strings.Contains(out.String(), "Ctrl-C ends the demo.") || len(code) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !strings.Contains(out.String(), "The staple is in place: good until") || !strings.Contains(out.String(), "go run ./cmd/dwaar status --admin dwaar-demo/data/admin.sock\n") {
		t.Fatalf("the demo says\n%s", out)
	}
	socket := "dwaar-demo/data/admin.sock"
	database := []string{"--database", "sqlite:dwaar-demo/certs.db", "--issuer", "dwaar-demo/intermediate.pem"}
	dwaar(t, append([]string{"ca", "revoke", "dwaar-demo/localhost.pem", "--reason", "certificateHold"}, database...)...).expect(t, 0, "revoked")
	time.Sleep(time.Second) // as long as the responder trusts what it has read
	dwaar(t, "ocsp", "refresh", "localhost", "--admin", socket).expect(t, 1, "revoked")
	dwaar(t, append([]string{"ca", "unrevoke", "dwaar-demo/localhost.pem"}, database...)...).expect(t, 0, "is good again")
	time.Sleep(time.Second)
	dwaar(t, "ocsp", "refresh", "localhost", "--admin", socket).expect(t, 0, "good")
	dwaar(t, "reload", "--admin", socket).expect(t, 0, "reloaded")
	dwaar(t, "validate", "--config", "dwaar-demo/Dwaarfile").expect(t, 0, "is valid")
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Errorf("the demo ended with %d\n%s", got, out)
	}
}
