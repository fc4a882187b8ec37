// Package bind runs BIND's named as the primary of a zone that takes updates by TSIG.
package bind

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dwaar/integration/internal/wait"
)

// Key is a TSIG key that may change the TXT records of every zone.
type Key struct{ Name, Algorithm, Secret string }

// Server is a running named on a port of 127.0.0.1, with files of its own.
type Server struct {
	t    testing.TB
	addr string
	dir  string
	log  log
}

// program is where Debian's package bind9 has it, also for users whose PATH lacks it.
const program = "/usr/sbin/named"

// Start serves zones for the length of the test. A zone below another one is delegated to
// this server too.
func Start(t testing.TB, keys []Key, zones ...string) *Server {
	t.Helper()
	port := wait.Port(t)
	s := &Server{t: t, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: t.TempDir()}
	s.write("named.conf", configuration(s.dir, port, keys, zones))
	for _, zone := range zones {
		s.write(zone+".zone", zoneFile(zone, zones))
	}
	cmd := exec.Command(program, "-g", "-n", "2", "-c", filepath.Join(s.dir, "named.conf"))
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if err := cmd.Start(); err != nil {
		t.Fatalf("bind: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("named says:\n%s", s.log.String())
		}
	})
	s.await(zones)
	return s
}

func configuration(dir string, port int, keys []Key, zones []string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `options {
	directory %q;
	pid-file %q;
	session-keyfile %q;
	listen-on port %d { 127.0.0.1; };
	listen-on-v6 { none; };
	recursion no;
	dnssec-validation no;
	notify no;
};
controls {};
`, dir, dir+"/named.pid", dir+"/session.key", port)
	grants := ""
	for _, key := range keys {
		fmt.Fprintf(&b, "key %q { algorithm %s; secret %q; };\n", key.Name, key.Algorithm, key.Secret)
		grants += fmt.Sprintf("grant %q zonesub TXT; ", key.Name)
	}
	for _, zone := range zones {
		fmt.Fprintf(&b, "zone %q { type primary; file %q; update-policy { %s}; };\n", zone, zone+".zone", grants)
	}
	return b.String()
}

func zoneFile(zone string, zones []string) string {
	text := "$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 1\n@ IN NS ns\nns IN A 127.0.0.1\n"
	for _, below := range zones {
		if below != zone && dns.IsSubDomain(zone, below) {
			text += below + ". IN NS ns." + below + ".\nns." + below + ". IN A 127.0.0.1\n"
		}
	}
	return text
}

func (s *Server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) await(zones []string) {
	s.t.Helper()
	for _, zone := range zones {
		wait.Until(s.t, 30*time.Second, "named to serve "+zone, func() error {
			answer, err := s.ask(zone, dns.TypeSOA)
			if err == nil && !answer.Authoritative {
				err = fmt.Errorf("%s; named says:\n%s", dns.RcodeToString[answer.Rcode], s.log.String())
			}
			return err
		})
	}
}

// Addr is where the server answers, by UDP and TCP.
func (s *Server) Addr() string { return s.addr }

// TXT gives the values at a name, sorted.
func (s *Server) TXT(name string) []string {
	s.t.Helper()
	answer, err := s.ask(name, dns.TypeTXT)
	if err != nil {
		s.t.Fatalf("bind: asking for %s: %v", name, err)
	}
	var values []string
	for _, rr := range answer.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			values = append(values, txt.Txt...)
		}
	}
	slices.Sort(values)
	return values
}

func (s *Server) ask(name string, kind uint16) (*dns.Msg, error) {
	client := &dns.Client{Net: "tcp", Timeout: 5 * time.Second}
	answer, _, err := client.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), s.addr)
	return answer, err
}

// Log is what named has said so far.
func (s *Server) Log() string { return s.log.String() }

// log is a buffer that may be read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
