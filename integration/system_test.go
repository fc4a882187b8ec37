package integration

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/wait"
)

// sd_notify: systemd is told when dwaar is ready, reloads, and stops.
func TestSystemdIsNotified(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := filepath.Join(h.Dir, "notify")
	socket := must(t)(net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})).(*net.UnixConn)
	t.Cleanup(func() { _ = socket.Close() })
	h.Env = append(h.Env, "NOTIFY_SOCKET="+path)
	expect := func(word string) {
		t.Helper()
		var seen []string
		buffer := make([]byte, 4096)
		for {
			_ = socket.SetReadDeadline(time.Now().Add(soon))
			n, err := socket.Read(buffer)
			if err != nil {
				t.Fatalf("sd_notify: no %s: %v; seen %q", word, err, seen)
			}
			if seen = append(seen, string(buffer[:n])); strings.Contains(string(buffer[:n]), word) {
				return
			}
		}
	}
	h.site(h.leaf("notify.test"), "")
	h.start("", "")
	expect("READY=1")
	h.Signal(syscall.SIGHUP)
	expect("RELOADING=1")
	expect("READY=1")
	h.Stop()
	expect("STOPPING=1")
}

// --watch: a changed Dwaarfile is taken over without being asked to.
func TestWatchReloadsTheChangedFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.With("--watch")
	files := h.leaf("watch.test").Write(t, h.Dir, "watch")
	version := func(n int) string {
		return h.Options("", "") + fmt.Sprintf("watch.test {\n\ttls %s %s\n\trespond v%d\n}\n", files.Cert, files.Key, n)
	}
	h.Configure(version(1))
	h.Start()
	h.Configure(version(2))
	wait.Until(t, soon, "--watch: the new version", func() error {
		body, err := get(h.client(nil), "https://watch.test/")
		if err == nil && body != "v2" {
			err = fmt.Errorf("answer %q", body)
		}
		return err
	})
}

// grace_period bounds how long a stop waits for requests that never end.
func TestGracePeriodEndsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var waiting atomic.Int64
	upstream := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		waiting.Add(1)
		<-r.Context().Done()
	})
	files := h.leaf("grace.test").Write(t, h.Dir, "grace")
	h.siteText(fmt.Sprintf("grace.test {\n\ttls %s %s\n\treverse_proxy %s\n}\n", files.Cert, files.Key, strings.TrimPrefix(upstream, "http://")))
	h.start("grace_period 1s", "")
	go func() {
		if resp, err := h.client(nil).Get("https://grace.test/"); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}()
	wait.Until(t, soon, "the request to reach the upstream", func() error {
		if waiting.Load() == 0 {
			return errNotYet
		}
		return nil
	})
	begin := time.Now()
	h.Signal(syscall.SIGTERM)
	if err := h.Wait(soon); err != nil {
		t.Errorf("grace_period: %v, want exit 0", err)
	}
	if took := time.Since(begin); took < 900*time.Millisecond || took > 12*time.Second {
		t.Errorf("grace_period 1s: the stop took %v", took)
	}
}
