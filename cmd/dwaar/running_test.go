package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/proxy/admin"
)

func TestStatusIsATableForPeople(t *testing.T) {
	r := running(t)
	r.status.LastReload = &admin.Reload{At: noon, Error: "Dwaarfile:1:1: bad"}
	got := dwaar(t, "status")
	got.expect(t, 0,
		"dwaar v1.2.3, ready since 2026-03-01T12:00:00Z\nconfig /etc/Dwaarfile, listening on :443\nlast reload 2026-03-01T12:00:00Z: refused: Dwaarfile:1:1: bad\n",
		"NAMES", "a.example b.example c.example +1  manual  2026-03-01T13:00:00Z  fresh   good          2026-03-01T14:00:00Z  timeout: �[31mno answer\n",
		"bare.example                      manual  -                     none    no_responder  -                     -\n",
	)
	if strings.Contains(got.out, "\x1b") {
		t.Error("a responder's escape sequence reaches the terminal")
	}
	r.status.Ready, r.status.LastReload = false, &admin.Reload{At: noon}
	dwaar(t, "status").expect(t, 0, "not ready since", "last reload 2026-03-01T12:00:00Z: done")
}

func TestStatusShowsTheErrorThatMattersMost(t *testing.T) {
	r := running(t)
	c := &r.status.Certificates[1]
	c.Staple.LastError, c.CRL = "nobody is asked", &admin.CRL{LastError: "the list has ended"}
	dwaar(t, "status").expect(t, 0, "the list has ended")
	c.ACME = &admin.ACME{LastError: "the CA is down"}
	dwaar(t, "status").expect(t, 0, "the CA is down")
}

func TestStatusShowsASharedStorage(t *testing.T) {
	r := running(t)
	r.status.Storage = &admin.Storage{Kind: "redis", Address: "redis://10.0.0.5:6379/0", State: "up", Since: noon}
	if got := dwaar(t, "status").out; !strings.Contains(got, "listening on :443\nstorage redis://10.0.0.5:6379/0, up since 2026-03-01T12:00:00Z\n\n") {
		t.Errorf("an up storage is shown as\n%s", got)
	}
	*r.status.Storage = admin.Storage{Kind: "redis", Address: "redis://10.0.0.5:6379/0", State: "down", Since: noon, Error: "connection\x1b refused", Owed: 3, CopyError: "disk full"}
	dwaar(t, "status").expect(t, 0, "dwaar v1.2.3, ready since",
		"storage redis://10.0.0.5:6379/0, down since 2026-03-01T12:00:00Z: connection� refused\nanswers that the storage gets when it is up: 3\nthe copy of the storage is not written: disk full\n\n")
	var s admin.Status
	if err := json.Unmarshal([]byte(dwaar(t, "status", "--json").out), &s); err != nil || !reflect.DeepEqual(s, r.status) {
		t.Errorf("status = %+v, %v; want %+v", s.Storage, err, r.status.Storage)
	}
	if got, want := dwaar(t, "status", "--json").out, `"storage": {
    "kind": "redis",
    "address": "redis://10.0.0.5:6379/0",
    "state": "down",
    "since": "2026-03-01T12:00:00Z",
    "error": `; !strings.Contains(got, want) {
		t.Errorf("status has no %s:\n%s", want, got)
	}
}

func TestStatusShowsResponders(t *testing.T) {
	r := running(t)
	r.status.Responders = []admin.Responder{{
		Name: "My CA", Database: "sqlite:certs.db", Error: "the disk is\ngone",
		Signers: []admin.Signer{{Issuer: "CN=My CA", Signer: "CN=OCSP", State: "ending", NotAfter: noon}},
	}}
	dwaar(t, "status").expect(t, 0, "OCSP RESPONDER", "CN=My CA        not ready  sqlite:certs.db  CN=OCSP  2026-03-01T12:00:00Z (soon!)  the disk is gone\n")
}

func TestStatusShowsRelays(t *testing.T) {
	r := running(t)
	r.status.Relays = []admin.Relay{{
		Name: "My CA, Other CA", Prefetched: 3, Asked: 2,
		Issuers: []admin.Relayed{
			{Issuer: "CN=My CA", Responders: []string{"http://a/", "http://b/"}},
			{Issuer: "CN=Other CA", Error: "timeout:\nno answer", Since: &noon},
		},
	}}
	dwaar(t, "status").expect(t, 0, "OCSP RELAY", "CN=My CA     up                               http://a/ http://b/  3 + 2 asked for  -\n",
		"CN=Other CA  down since 2026-03-01T12:00:00Z  -                    3 + 2 asked for  timeout: no answer\n")
}

func TestStatusShowsNoErrorWhereThereIsNobodyToAsk(t *testing.T) { // S12
	r := running(t)
	staple := &r.status.Certificates[1].Staple
	for reason, shown := range map[string]bool{"no_responder": false, "self_signed": false, "disabled": false, "no_issuer": true, "timeout": true} {
		staple.Reason, staple.LastError = reason, "nobody is asked"
		if got := dwaar(t, "status").out; strings.Contains(got, "nobody is asked") != shown {
			t.Errorf("%s: the error is shown: %v, want %v\n%s", reason, !shown, shown, got)
		}
	}
}

func TestStatusJSONIsTheContracts(t *testing.T) {
	r := running(t)
	got := dwaar(t, "status", "--json")
	got.expect(t, 0)
	var s admin.Status
	if err := json.Unmarshal([]byte(got.out), &s); err != nil || !reflect.DeepEqual(s, r.status) {
		t.Errorf("status = %+v, %v; want %+v", s, err, r.status)
	}
	if want := []string{"version", "started", "config", "listeners", "ready", "certificates"}; !reflect.DeepEqual(keys(t, got.out), want) {
		t.Errorf("keys = %q, want %q", keys(t, got.out), want)
	}
}

func TestStatusIsReachedByEveryFormOfAddress(t *testing.T) {
	r := running(t)
	socket := filepath.Join(os.Getenv("DWAAR_DATA"), admin.SocketName)
	addr := freePort(t)
	serveAdmin(t, admin.Config{Listen: addr, Token: "secret"}, r)
	t.Setenv("DWAAR_DATA", t.TempDir())
	for _, args := range []string{
		"--admin " + socket, "--admin unix/" + socket, "--data " + filepath.Dir(socket), "--admin " + addr + " --token secret",
	} {
		dwaar(t, append([]string{"status"}, strings.Fields(args)...)...).expect(t, 0, "v1.2.3")
	}
	t.Setenv("DWAAR_ADMIN_TOKEN", "secret")
	dwaar(t, "status", "--admin", addr).expect(t, 0, "v1.2.3")
	dwaar(t, "status", "--admin", addr, "--token", "wrong").expect(t, 1, "dwaar: the bearer token is missing or wrong")
}

// slowBuffer is read while a command writes to it.
type slowBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *slowBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *slowBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestWatchDrawsUntilInterrupted(t *testing.T) {
	running(t)
	for _, args := range [][]string{{"status", "--watch"}, {"status", "--watch", "--json"}} {
		out := &slowBuffer{}
		code := make(chan int, 1)
		go func() { code <- Main(args, strings.NewReader(""), out, out) }()
		for strings.Count(out.String(), "v1.2.3") < 2 {
			time.Sleep(10 * time.Millisecond)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if got := <-code; got != 0 {
			t.Errorf("%v ended with %d:\n%s", args, got, out)
		}
	}
}

func TestCertificatesAreListedAndShown(t *testing.T) {
	running(t)
	dwaar(t, "certs", "list").expect(t, 0, "NAMES", "a.example b.example c.example +1", "CN=Inter", "0a", "bare.example")
	dwaar(t, "certs", "list", "--json").expect(t, 0, `"fingerprint": "bb22"`)
	dwaar(t, "certs", "show", "d.example").expect(t, 0,
		"names         a.example b.example c.example d.example\n", "fingerprint   aa11\n", "must-staple   yes\n", "revoked       no\n",
		"reason        good\n              "+ocspsvc.ReasonGood.Explain()+"\n", "next update   2026-03-01T14:00:00Z\n", "responder     CN=OCSP\n")
	dwaar(t, "certs", "show", "bb22", "--json").expect(t, 0, `"bare.example"`)
	dwaar(t, "certs", "show", "nobody.example").expect(t, 1, "dwaar: no certificate for nobody.example is served: `dwaar certs list` shows which are")
}

func TestReloadSendsAnAbsolutePath(t *testing.T) {
	r := running(t)
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dwaar(t, "reload", "--config", "Dwaarfile").expect(t, 0, "reloaded")
	dwaar(t, "reload").expect(t, 0, "reloaded")
	if want := []string{filepath.Join(here, "Dwaarfile"), ""}; !reflect.DeepEqual(r.reloads, want) {
		t.Errorf("reloads = %q, want %q", r.reloads, want)
	}
}

func TestRefusedReloadPrintsEachProblem(t *testing.T) {
	r := running(t)
	r.reload = errors.New("Dwaarfile:1:2: one\nDwaarfile:3:4: two")
	got := dwaar(t, "reload")
	if want := "Dwaarfile:1:2: one\nDwaarfile:3:4: two\ndwaar: the configuration was refused, the running one stays\n"; got.code != 1 || got.errors != want {
		t.Errorf("reload: %d %q, want 1 and %q", got.code, got.errors, want)
	}
}

func TestStopStops(t *testing.T) {
	r := running(t)
	dwaar(t, "stop").expect(t, 0, "stopped")
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		t.Error("the running dwaar was not told")
	}
}

func TestRefreshExitsByItsOutcome(t *testing.T) {
	r := running(t)
	type answer struct {
		outcome admin.Outcome
		err     error
	}
	says := func(state, reason string, err error) answer {
		return answer{admin.Outcome{Reason: reason, Staple: admin.Staple{State: state, Reason: reason, NextUpdate: noon}}, err}
	}
	answers := map[string]answer{"aa11": says("fresh", "good", nil), "bb22": says("none", "no_responder", nil)}
	r.refresh = func(fp string) (admin.Outcome, error) { return answers[fp].outcome, answers[fp].err }
	dwaar(t, "ocsp", "refresh", "a.example").expect(t, 0, "good", "fresh", "2026-03-01T12:00:00Z")
	dwaar(t, "ocsp", "refresh", "bare.example").expect(t, 1, "no_responder")
	dwaar(t, "ocsp", "refresh", "--all").expect(t, 0, "good", "no_responder") // nobody to ask is nothing undone
	unknown := dwaar(t, "ocsp", "refresh", "nobody.example")
	unknown.expect(t, 1, "no certificate for nobody.example is served")
	if unknown.out != "" {
		t.Errorf("refreshing nothing prints %q", unknown.out)
	}

	answers["aa11"] = says("fresh", "good", &ocspsvc.Error{Reason: ocspsvc.ReasonTimeout, Err: errors.New("no answer")})
	dwaar(t, "ocsp", "refresh", "a.example").expect(t, 1, "timeout", "no answer")
	dwaar(t, "ocsp", "refresh", "--all").expect(t, 1, "timeout", "no_responder")

	answers["aa11"] = says("none", "revoked", nil)
	dwaar(t, "ocsp", "refresh", "a.example").expect(t, 1, "revoked")

	byList := says("none", "good", nil)
	byList.outcome.Staple, byList.outcome.CRL = admin.Staple{State: "none", Reason: "no_responder"}, &admin.CRL{State: "good", Reason: "good", NextUpdate: noon.Add(time.Hour)}
	answers["bb22"] = byList
	dwaar(t, "ocsp", "refresh", "bare.example").expect(t, 0, "good", "none", "2026-03-01T13:00:00Z")
}
