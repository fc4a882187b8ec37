package dns_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"dwaar/acme/dns"
)

// hook is a program of the operator's, which notes its calls in a file beside it.
type hook struct{ path, calls string }

func newHook(t *testing.T, script string) hook {
	t.Helper()
	dir := t.TempDir()
	h := hook{filepath.Join(dir, "hook"), filepath.Join(dir, "calls")}
	text := "#!/bin/sh\ncalls='" + h.calls + "'\necho \"$# $*\" >>\"$calls\"\n" + script
	if err := os.WriteFile(h.path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h hook) provider(t *testing.T, timeout time.Duration) dns.Provider {
	t.Helper()
	p, err := dns.New(dns.Config{Exec: &dns.ExecConfig{Path: h.path, Timeout: timeout}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h hook) expect(t *testing.T, calls ...string) {
	t.Helper()
	got, err := os.ReadFile(h.calls)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	want := ""
	for _, call := range calls {
		want += call + "\n"
	}
	if string(got) != want {
		t.Errorf("the hook was called as\n%swant\n%s", got, want)
	}
}

func TestTheHookIsCalledForEachRecord(t *testing.T) {
	h := newHook(t, "")
	p := h.provider(t, 0)
	two := append(record("_acme-challenge", "-one"), record("_acme-challenge.www", "two; rm *")...)
	got, err := p.AppendRecords(t.Context(), "example.com.", two)
	if err != nil || len(got) != 2 || got[0].RR().Data != "-one" {
		t.Errorf("AppendRecords = %v, %v", got, err)
	}
	if got, err = p.DeleteRecords(t.Context(), "example.com.", two); err != nil || len(got) != 2 {
		t.Errorf("DeleteRecords = %v, %v", got, err)
	}
	h.expect(t,
		"3 present _acme-challenge.example.com. -one", "3 present _acme-challenge.www.example.com. two; rm *",
		"3 cleanup _acme-challenge.example.com. -one", "3 cleanup _acme-challenge.www.example.com. two; rm *")
}

func TestAHookThatFailsIsQuotedAndCleanedUpAfter(t *testing.T) {
	h := newHook(t, `case "$1 $3" in "present two") echo "no such zone:" >&2; echo "  try again" >&2; exit 3; esac`)
	_, err := h.provider(t, 0).AppendRecords(t.Context(), "example.com.", append(append(record("a", "one"), record("b", "two")...), record("c", "three")...))
	if want := "dns: " + h.path + " present b.example.com.: exit status 3: no such zone: try again"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	h.expect(t, "3 present a.example.com. one", "3 present b.example.com. two",
		"3 cleanup a.example.com. one", "3 cleanup b.example.com. two")
}

func TestACleanupThatFailsDoesNotKeepTheOthers(t *testing.T) {
	h := newHook(t, `[ "$3" != one ]`)
	got, err := h.provider(t, 0).DeleteRecords(t.Context(), "example.com.", append(record("a", "one"), record("b", "two")...))
	if len(got) != 1 || got[0].RR().Data != "two" || err == nil || !strings.Contains(err.Error(), "cleanup a.example.com.: exit status 1") {
		t.Errorf("DeleteRecords = %v, %v", got, err)
	}
	always := newHook(t, "exit 7")
	_, err = always.provider(t, 0).AppendRecords(t.Context(), "example.com.", record("a", "one"))
	if want := "present a.example.com.: exit status 7; removing what it may have left: "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// A hook that hangs dies with all its children; the cleanup still has its call.
func TestAHookThatHangsIsKilledWithItsChildren(t *testing.T) {
	h := newHook(t, `[ "$1" = cleanup ] && exit 0; sleep 300 & echo $! >"$calls.child"; wait`)
	begin := time.Now()
	_, err := h.provider(t, 500*time.Millisecond).AppendRecords(t.Context(), "example.com.", record("a", "one"))
	if err == nil || !strings.Contains(err.Error(), "present a.example.com.: not done within 500ms") || time.Since(begin) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), err)
	}
	h.expect(t, "3 present a.example.com. one", "3 cleanup a.example.com. one")
	h.expectDead(t)
}

func TestAContextThatEndsKillsTheHook(t *testing.T) {
	h := newHook(t, `[ "$1" = cleanup ] && exit 0; echo no >&2; sleep 300 & echo $! >"$calls.child"; wait`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !h.hasChild() {
			time.Sleep(time.Millisecond) // a real process
		}
		cancel()
	}()
	_, err := h.provider(t, 0).AppendRecords(ctx, "example.com.", record("a", "one"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
	h.expect(t, "3 present a.example.com. one", "3 cleanup a.example.com. one")
	h.expectDead(t)
}

func (h hook) hasChild() bool {
	pid, err := os.ReadFile(h.calls + ".child")
	return err == nil && strings.HasSuffix(string(pid), "\n")
}

func (h hook) expectDead(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(h.calls + ".child")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for range 500 { // init reaps it in its own time
		if syscall.Kill(pid, 0) != nil || isZombie(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the hook's child %d lives", pid)
}

func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// A daemon that a hook starts keeps its stderr, and must not keep dwaar.
func TestAHookMayLeaveAChildBehind(t *testing.T) {
	h := newHook(t, `sleep 300 & echo $! >"$calls.child"`)
	t.Cleanup(func() {
		if text, err := os.ReadFile(h.calls + ".child"); err == nil {
			pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	begin := time.Now()
	_, err := h.provider(t, 0).AppendRecords(t.Context(), "example.com.", record("a", "one"))
	if err != nil || time.Since(begin) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), err)
	}
}

func TestOnlyTheEndOfWhatAHookSaysIsKept(t *testing.T) {
	h := newHook(t, `[ "$1" = cleanup ] && exit 0; head -c 5000000 /dev/zero | tr '\0' x >&2; echo out; printf ' \033\377 the end' >&2; exit 1`)
	_, err := h.provider(t, 0).AppendRecords(t.Context(), "example.com.", record("a", "one"))
	if err == nil || len(err.Error()) > 2500 || !strings.HasSuffix(err.Error(), "the end") || strings.Contains(err.Error(), "out") {
		t.Errorf("%.300v", err)
	}
}

func TestAHookSeesNoSecretsOfDwaars(t *testing.T) {
	t.Setenv("DWAAR_ADMIN_TOKEN", "s3cret")
	t.Setenv("NOTIFY_SOCKET", "/run/notify")
	t.Setenv("TZ", "UTC")
	h := newHook(t, `env >>"$calls"; pwd >>"$calls"; cat >>"$calls"`)
	if _, err := h.provider(t, 0).AppendRecords(t.Context(), "example.com.", record("a", "one")); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(h.calls)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(said), "\n") {
		if strings.HasPrefix(line, "DWAAR") || strings.HasPrefix(line, "NOTIFY") {
			t.Errorf("the hook sees %s", line)
		}
	}
	if !strings.Contains(string(said), "PATH="+os.Getenv("PATH")) || !strings.Contains(string(said), "TZ=UTC") || !strings.HasSuffix(string(said), "\n/\n") {
		t.Errorf("the hook's environment and directory:\n%s", said)
	}
}

func TestHooksRunOneAtATime(t *testing.T) {
	h := newHook(t, `mkdir "$calls.busy" || exit 1; sleep 0.05; rmdir "$calls.busy"`)
	p := h.provider(t, 0)
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			if _, err := p.AppendRecords(t.Context(), "example.com.", record("a", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestACallThatWaitsForItsTurnEndsWithItsContext(t *testing.T) {
	h := newHook(t, `until [ -e "$calls.go" ]; do sleep 0.01; done`)
	p := h.provider(t, 0)
	done := make(chan error)
	go func() {
		_, err := p.AppendRecords(t.Context(), "example.com.", record("a", "first"))
		done <- err
	}()
	for {
		if _, err := os.Stat(h.calls); err == nil {
			break
		}
		time.Sleep(time.Millisecond) // a real process
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.AppendRecords(ctx, "example.com.", record("a", "second"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "waiting for its turn") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(h.calls+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	h.expect(t, "3 present a.example.com. first") // what has not run is not undone
}

func TestAHookThatCannotRunIsRefused(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"): "no such file or directory",
		plain:                         "plain is not an executable file",
		dir:                           "is not an executable file",
	} {
		if _, err := dns.New(dns.Config{Exec: &dns.ExecConfig{Path: path}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q", err, want)
		}
	}
	h := newHook(t, "")
	p := h.provider(t, 0)
	if err := os.Remove(h.path); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AppendRecords(t.Context(), "example.com.", record("a", "one")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a hook that has gone: %v", err)
	}
	if _, err := p.AppendRecords(t.Context(), "example.com.", []libdns.Record{libdns.RR{Type: "TXT", Name: "--help"}}); err == nil {
		t.Error("a name that looks like an option is passed on")
	}
}
