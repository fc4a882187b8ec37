package main

import (
	"encoding/json"
	"flag"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/doctor"
	"dwaar/proxy/admin"
)

// clinic is a place with a Dwaarfile and a data directory.
type clinic struct{ dir, file, data, port string }

func newClinic(t *testing.T, text string) *clinic {
	t.Helper()
	_, port, err := net.SplitHostPort(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "doctor") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &clinic{dir: dir, file: in(dir, "Dwaarfile"), data: in(dir, "data"), port: port}
	if err := os.Mkdir(c.data, 0o700); err != nil {
		t.Fatal(err)
	}
	c.write(t, text)
	return c
}

// write makes the Dwaarfile; PORT in it is a free port of 127.0.0.1.
func (c *clinic) write(t *testing.T, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "PORT", c.port)
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *clinic) doctor(t *testing.T, args ...string) told {
	t.Helper()
	return dwaar(t, append([]string{"doctor", "--config", c.file, "--data", c.data}, args...)...)
}

// finding is the one about what, the first of a level if there are several.
func (r told) finding(t *testing.T, level doctor.Level, what string) string {
	t.Helper()
	for line := range strings.Lines(r.out) {
		if rest, ok := strings.CutPrefix(line, string(level)+" "); ok && strings.HasPrefix(strings.TrimSpace(rest), what) {
			return line
		}
	}
	t.Errorf("there is no line %q about %q:\n%s%s", level, what, r.out, r.errors)
	return ""
}

func (r told) expectFinding(t *testing.T, level doctor.Level, what string, words ...string) {
	t.Helper()
	line := r.finding(t, level, what)
	for _, word := range words {
		if line != "" && !strings.Contains(line, word) {
			t.Errorf("the line does not say %q: %s", word, line)
		}
	}
}

const healthy = "{\n\tdefault_bind 127.0.0.1\n}\nhttp://:PORT {\n\trespond hello\n}\n"

func TestDoctorFindsNothingWrong(t *testing.T) {
	c := newClinic(t, healthy)
	got := c.doctor(t)
	got.expect(t, 0, "\n0 failures, ")
	got.expectFinding(t, doctor.OK, c.file, "is valid")
	got.expectFinding(t, doctor.OK, "data directory", c.data)
	got.expectFinding(t, doctor.OK, "port 127.0.0.1:"+c.port, "is free")
	got.expectFinding(t, doctor.OK, "running dwaar", "there is none")
	entries, err := os.ReadDir(c.data)
	for _, entry := range entries {
		if left, lerr := os.ReadDir(in(c.data, entry.Name())); lerr != nil || len(left) > 0 || entry.Name()[0] != '.' {
			t.Errorf("the doctor has left %s with %v in the data directory, %v", entry.Name(), left, lerr)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func TestDoctorSaysInJSONWhatItSaysInLines(t *testing.T) {
	c := newClinic(t, healthy)
	if err := os.Chmod(c.data, 0o750); err != nil {
		t.Fatal(err)
	}
	said := c.doctor(t)
	got := c.doctor(t, "--json")
	var form struct {
		OK       bool
		Findings []doctor.Finding
	}
	if err := json.Unmarshal([]byte(got.out), &form); err != nil || got.code != 0 || !form.OK {
		t.Fatalf("%d, %v\n%s", got.code, err, got.out)
	}
	if got := keys(t, got.out); len(got) != 2 || got[0] != "ok" || got[1] != "findings" {
		t.Errorf("keys = %q", got)
	}
	for _, f := range form.Findings {
		said.expectFinding(t, f.Level, f.What)
		if f.Check == "" || f.Why == "" {
			t.Errorf("finding %+v lacks something", f)
		}
	}
	said.expectFinding(t, doctor.Warn, "data directory", "0750", "chmod 700 "+c.data)
}

var update = flag.Bool("update", false, "write the golden file of dwaar doctor --json")

// The form that scripts read. What differs between machines is not in it.
func TestDoctorsJSONIsAsItWas(t *testing.T) {
	const golden = "testdata/doctor.json"
	c := newClinic(t, "a.example {\n\tnonsense\n}\n")
	got := c.doctor(t, "--json", "--admin", in(c.dir, "none.sock"))
	text := strings.ReplaceAll(got.out, c.dir, "/etc/dwaar")
	text = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:]+Z`).ReplaceAllString(text, "DATE")
	text = regexp.MustCompile(`(?s),\s*\{\s*"check": "(open files|system roots)".*?\}`).ReplaceAllString(text, "")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, golden); text != want || got.code != 2 || got.errors != "" {
		t.Errorf("%d %s\n%s\nwant 2 and\n%s", got.code, got.errors, text, want)
	}
}

func TestDoctorGoesOnWithoutADwaarfile(t *testing.T) {
	c := newClinic(t, "a.example {\n\tnonsense\n}\nb.example {\n\trubbish\n}\n")
	got := c.doctor(t)
	got.expect(t, 2)
	got.expectFinding(t, doctor.Fail, c.file+":2:2", "nonsense")
	got.expectFinding(t, doctor.Fail, c.file+":5:2", "rubbish")
	got.expectFinding(t, doctor.OK, "data directory")
	if got.errors != "" {
		t.Errorf("on stderr: %q", got.errors)
	}
	if err := os.Remove(c.file); err != nil {
		t.Fatal(err)
	}
	c.doctor(t, "--json").expect(t, 2, `"ok": false`, "no such file", `"data directory"`)
}

func TestDoctorLooksOnThoughAKeyIsMissing(t *testing.T) {
	h := newHouse(t)
	c := newClinic(t, "https://a.example:PORT {\n\tbind 127.0.0.1\n\ttls "+h.chain+" "+in(h.dir, "none.key")+"\n}\n")
	got := c.doctor(t)
	got.expect(t, 2)
	got.expectFinding(t, doctor.Fail, c.file+":3:2", "none.key")
	got.expectFinding(t, doctor.OK, "port 127.0.0.1:"+c.port)
}

func TestDoctorSaysWhatIsWrongWithTheDataDirectory(t *testing.T) {
	c := newClinic(t, healthy)
	good := c.data
	c.data = in(c.dir, "new/data")
	c.doctor(t).expectFinding(t, doctor.OK, "data directory", "is not there, and can be made")
	if exists(in(c.dir, "new")) {
		t.Error("the doctor makes it")
	}
	c.data = c.file
	got := c.doctor(t)
	got.expect(t, 1)
	got.expectFinding(t, doctor.Fail, "data directory", "is no directory")
	c.data = in(c.dir, strings.Repeat("x", 100))
	got = c.doctor(t)
	got.expect(t, 1)
	got.expectFinding(t, doctor.Fail, "admin socket", "at most 100 work everywhere")
	c.data = good
	c.write(t, "{\n\tstorage file_system "+in(c.dir, "Dwaarfile/below")+"\n}\n"+strings.TrimPrefix(healthy, "{\n\tdefault_bind 127.0.0.1\n}\n"))
	got = c.doctor(t)
	got.expect(t, 1)
	got.expectFinding(t, doctor.Fail, "storage directory", "not a directory")
}

func TestDoctorSaysWhoseAPortIs(t *testing.T) {
	c := newClinic(t, healthy)
	ln, err := net.Listen("tcp", "127.0.0.1:"+c.port)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	what := "port 127.0.0.1:" + c.port
	got := c.doctor(t)
	got.expect(t, 1, "\n1 failure, ")
	got.expectFinding(t, doctor.Fail, what, "another program has it", "ss -lntup 'sport = :"+c.port+"'")

	r := &runningDwaar{status: admin.Status{Version: "v1", Config: c.file, Ready: true, Listeners: []string{"127.0.0.1:" + c.port}}}
	serveAdmin(t, admin.Config{Listen: admin.DefaultListen(c.data)}, r)
	got = c.doctor(t)
	got.expect(t, 0)
	got.expectFinding(t, doctor.OK, what, "is held by the dwaar that runs")
	r.status.Listeners = []string{":" + c.port}
	c.doctor(t).expectFinding(t, doctor.Fail, what, "holds it as :"+c.port, "only by a restart")

	c.write(t, "http://192.0.2.1:PORT {\n\tbind 192.0.2.1\n\trespond hello\n}\n")
	c.doctor(t).expectFinding(t, doctor.Fail, "port 192.0.2.1", "this machine does not have the address")
}

func TestDoctorAsksTheDwaarThatRuns(t *testing.T) {
	c := newClinic(t, healthy)
	got := c.doctor(t, "--admin", in(c.dir, "none.sock"))
	got.expect(t, 1)
	got.expectFinding(t, doctor.Fail, "running dwaar", "nobody listens on")
	r := &runningDwaar{status: admin.Status{
		Version: "v0.9", Started: noon, Config: "/etc/dwaar/Dwaarfile", LastReload: &admin.Reload{At: noon, Error: "Dwaarfile:1:1: bad"},
		Storage:    &admin.Storage{Address: "redis://10.0.0.5", State: "down", Since: noon, Error: "refused", CopyError: "disk full"},
		Responders: []admin.Responder{{Database: "sqlite:certs.db", Error: "locked"}},
		Relays:     []admin.Relay{{Issuers: []admin.Relayed{{Issuer: "CN=Inter", Error: "timeout"}, {Issuer: "CN=Other"}}}},
		Upstreams:  []admin.Upstream{{Address: "10.0.0.7:80"}, {Address: "10.0.0.8:80", Healthy: true}},
		Certificates: []admin.Certificate{
			{Names: []string{"revoked.example"}, Revoked: true},
			{Names: []string{"alarm.example"}, Alarm: true, Staple: admin.Staple{LastError: "timeout"}},
			{Names: []string{"first.example"}, ACME: &admin.ACME{LastError: "no such name", NextTry: noon}},
			{Names: []string{"next.example"}, NotAfter: time.Now().Add(time.Hour), ACME: &admin.ACME{LastError: "rate limit"}},
		},
	}}
	serveAdmin(t, admin.Config{Listen: admin.DefaultListen(c.data)}, r)
	got = c.doctor(t)
	got.expect(t, 1)
	for _, f := range []struct {
		level doctor.Level
		what  string
		word  string
	}{
		{doctor.OK, "running dwaar", "dwaar v0.9 since 2026-03-01T12:00:00Z"},
		{doctor.Warn, "running dwaar", "restart it"},
		{doctor.Fail, "running dwaar", "it is not ready"},
		{doctor.Fail, "storage redis://10.0.0.5", "refused"},
		{doctor.Fail, "responder on sqlite:certs.db", "locked"},
		{doctor.Fail, "relay for CN=Inter", "timeout"},
		{doctor.Warn, "upstream 10.0.0.7:80", "down"},
		{doctor.Fail, "certificate of revoked.example", "revoked"},
		{doctor.Fail, "certificate of alarm.example", "must-staple"},
		{doctor.Fail, "certificate of first.example", "no such name"},
		{doctor.Warn, "certificate of next.example", "rate limit"},
	} {
		got.expectFinding(t, f.level, f.what, f.word)
	}
	got.expect(t, 1, "give --config /etc/dwaar/Dwaarfile", "its copy is not written: disk full", "was refused", "Dwaarfile:1:1: bad")

	c.write(t, "{\n\tadmin off\n}\n"+strings.TrimPrefix(healthy, "{\n\tdefault_bind 127.0.0.1\n}\n"))
	c.doctor(t).expectFinding(t, doctor.OK, "running dwaar", "the option admin is off")
}

func TestDoctorFindsTheDoorOfTheDwaarfile(t *testing.T) {
	c := newClinic(t, "")
	socket := in(c.dir, "a.sock")
	c.write(t, "{\n\tadmin unix/"+socket+"\n}\n"+strings.TrimPrefix(healthy, "{\n\tdefault_bind 127.0.0.1\n}\n"))
	serveAdmin(t, admin.Config{Listen: "unix/" + socket}, &runningDwaar{status: admin.Status{Version: "v7", Config: c.file, Ready: true}})
	c.doctor(t).expectFinding(t, doctor.OK, "running dwaar", "dwaar v7")
}

func TestDoctorRefusesWrongUse(t *testing.T) {
	c := newClinic(t, healthy)
	c.doctor(t, "--timeout", "0s").expect(t, 2, "--timeout: nothing can be found out in 0s")
	c.doctor(t, "--admin", "host:0").expect(t, 2, "the port is a number")
	c.doctor(t, "extra").expect(t, 2, "unexpected argument extra (see dwaar doctor --help)")
}
