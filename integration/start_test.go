package integration

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// SIGTERM while the start still waits for a responder that hangs ends dwaar at once, with 0.
func TestSIGTERMDuringTheStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.OCSP.Behave(responder.Hang)
	h.site(h.leaf("start.test"), "")
	h.Configure(h.Options("", "start_wait 60s\n\t\ttimeout 60s") + h.sites.String())
	h.Launch()
	wait.Until(t, soon, "the start to ask", func() error {
		if h.OCSP.Hanging() == 0 {
			return errNotYet
		}
		return nil
	})
	begin := time.Now()
	h.Signal(syscall.SIGTERM)
	if err := h.Wait(soon); err != nil {
		t.Errorf("SIGTERM during the start: %v, want exit 0", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("SIGTERM during the start took %v", took)
	}
}

// 3.3: a data directory too deep for the admin socket is refused, with the option to set.
func TestTooLongSocketPathIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	file := filepath.Join(t.TempDir(), "Dwaarfile")
	pki.WriteFile(t, file, []byte("http://a.test:8999 {\n\trespond x\n}\n"))
	out := dwaar.Run(t, binaries.Plain, "run", "--config", file, "--data", dir)
	if out.Code == 0 || !strings.Contains(out.Text(), "admin") || !strings.Contains(out.Text(), "100") {
		t.Errorf("3.3: exit %d, want a refusal that names `admin`:\n%s", out.Code, out.Text())
	}
}

// A port that somebody else has is a failure of this run, not of the Dwaarfile: exit 1.
func TestBusyPortExitsOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.siteText("http://busy.test:" + port(h.OCSP.Addr()) + " {\n\trespond x\n}\n")
	h.Configure(h.Options("", "") + h.sites.String())
	out := h.Do("run", "--config", h.Config())
	if out.Code != 1 || !strings.Contains(out.Text(), port(h.OCSP.Addr())) {
		t.Errorf("3.1: run on a busy port: exit %d, want 1 and the address:\n%s", out.Code, out.Text())
	}
}
