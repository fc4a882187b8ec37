package server_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
)

func TestRefusedReloadChangesNothing(t *testing.T) {
	h := newHouse(t)
	leaf := h.leaf(t, "a.example")
	good := h.write(t, "", "", "a.example")
	srv, _ := h.start(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, globals, more, want string }{
		{"unknown directive", "", "b.example {\n\tfoo\n}\n", ":16:2: "},
		{"missing key", "", "b.example {\n\ttls a.example.pem b.key\n}\n", ":16:2: tls: "},
		{"port in use", "", "http://" + taken.Addr().String() + " {\n\trespond hi\n}\n", taken.Addr().String()},
		{"other storage", "\tstorage file_system elsewhere\n", "", "storage: a reload cannot change it"},
		{"other admin address", "\tadmin off\n", "", "admin: a reload cannot change it"},
		{"log in no directory", "\tlog {\n\t\toutput file no/such.log\n\t}\n", "", "log: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad := strings.Replace(string(text)+test.more, "{\n", "{\n"+test.globals, 1)
			ocsptest.WriteFile(t, h.dir, "Dwaarfile", []byte(bad))
			err := srv.Reload(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Reload = %v, want an error with %q", err, test.want)
			}
			if last := h.status(t).LastReload; last == nil || !strings.Contains(last.Error, test.want) {
				t.Errorf("status shows the last reload as %+v, want an error with %q", last, test.want)
			}
			h.stapled(t, "a.example", leaf)
			if _, err := h.handshake("b.example"); err == nil {
				t.Error("a site of the refused file is served")
			}
		})
	}
}

func TestSiteAddedByReloadComesStapled(t *testing.T) {
	h := newHouse(t)
	a, b := h.leaf(t, "a.example"), h.leaf(t, "b.example")
	h.write(t, "", "", "a.example")
	srv, _ := h.start(t)
	h.write(t, "", "", "a.example", "b.example")
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.stapled(t, "b.example", b)
	h.stapled(t, "a.example", a)
	if n := h.responder.CountFor(a); n != 1 {
		t.Errorf("the certificate that stayed was asked for %d times, want 1", n)
	}
	if s := h.status(t); len(s.Certificates) != 2 || s.LastReload == nil || s.LastReload.Error != "" {
		t.Errorf("status after the reload: %+v", s)
	}
}

func TestReloadFromAnotherFileIsRemembered(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.leaf(t, "b.example")
	h.write(t, "", "", "b.example")
	other := filepath.Join(h.dir, "Other")
	if err := os.Rename(filepath.Join(h.dir, "Dwaarfile"), other); err != nil {
		t.Fatal(err)
	}
	h.write(t, "", "", "a.example")
	srv, _ := h.start(t)
	if err := srv.ReloadFile(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.handshake("b.example"); err != nil {
		t.Errorf("the site of the other file is not served: %v", err)
	}
	if got := h.status(t).Config; got != other {
		t.Errorf("status names %s, want %s", got, other)
	}
}

func TestLogFollowsAReload(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.write(t, "", "", "a.example")
	srv, stop := h.start(t)
	file := filepath.Join(h.dir, "dwaar.log")
	h.write(t, "\tlog {\n\t\toutput file dwaar.log\n\t\tformat json\n\t}\n\tdebug\n", "", "a.example")
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv.Log().With("sni", "x").WithGroup("g").Debug("a line", "k", 1)
	stop()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var record struct {
			Msg, Level, SNI string
			G               struct{ K int }
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%q is not JSON: %v", line, err)
		}
		found = found || record.Msg == "a line" && record.Level == "DEBUG" && record.SNI == "x" && record.G.K == 1
	}
	if !found {
		t.Errorf("the line is not in\n%s", text)
	}
	if strings.Contains(h.log.String(), "a line") {
		t.Error("the line is in the old log too")
	}
}

// dwaar's own log rotates like the others, and no line is lost by it or by a reload.
func TestLogRotates(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.write(t, "\tlog {\n\t\toutput file dwaar.log {\n\t\t\troll_size 1KiB\n\t\t\troll_keep 1000\n\t\t\troll_uncompressed\n\t\t}\n\t}\n", "", "a.example")
	srv, stop := h.start(t)
	const lines = 100
	for i := range lines {
		srv.Log().Warn("counted", "i", i)
		if i == lines/2 {
			if err := srv.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	files, err := filepath.Glob(filepath.Join(h.dir, "dwaar*.log"))
	if err != nil || len(files) < 5 {
		t.Fatalf("files = %q, %v", files, err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || len(text) > 2<<10 {
			t.Errorf("%s: %d bytes, %v", file, len(text), err)
		}
		found += strings.Count(string(text), "msg=counted")
	}
	if found != lines {
		t.Errorf("%d lines in %d files, want %d", found, len(files), lines)
	}
}
