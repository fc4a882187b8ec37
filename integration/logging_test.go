package integration

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dwaar/integration/internal/wait"
)

// An access log rotates by size, with the old files packed; one that logrotate moves is let go
// by SIGHUP; of all of them no line is lost. A full disk (/dev/full) costs lines and nothing
// else, and they are counted.
func TestAccessLogsRotateAndADiskThatIsFullHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	const requests = 400
	h := newHouse(t)
	path := filepath.Join(h.Dir, "access.log")
	moved := filepath.Join(h.Dir, "moved.log")
	h.siteText(fmt.Sprintf(`http://log.test {
	log {
		output file %s {
			roll_size 64KiB
			roll_keep 100
		}
	}
	log moved {
		output file %s {
			roll_disabled
		}
	}
	log full {
		output file /dev/full
	}
	respond hello
}
http://metrics.test {
	metrics
}
`, path, moved))
	h.site(h.leaf("tls.test"), "")
	h.start("metrics", "")
	addr := fmt.Sprintf("127.0.0.1:%d", h.HTTP)
	c := h.client(func(tr *http.Transport) {
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp4", addr)
		}
	})
	for i := range requests {
		if _, err := get(c, fmt.Sprintf("http://log.test:%d/%d", h.HTTP, i)); err != nil {
			t.Fatal(err)
		}
		if i == requests/2 {
			must(t)(nil, os.Rename(moved, moved+".1"))
			h.Signal(syscall.SIGHUP)
		}
	}
	h.awaitRecord("full disk", "WARN", "access log lost requests", "/dev/full")
	text, err := get(c, fmt.Sprintf("http://metrics.test:%d/", h.HTTP))
	if err != nil || strings.Contains(text, "dwaar_access_log_lost_total 0\n") ||
		!strings.Contains(text, fmt.Sprintf(`dwaar_http_requests_total{code="2xx",listener="127.0.0.1:%d"} %d`, h.HTTP, requests)) {
		t.Errorf("metrics: %v\n%s", err, text)
	}
	wait.Until(t, soon, "old files to be packed", func() error {
		if packed, plain := old(t, path, ".log.gz"), old(t, path, ".log"); len(packed) < 2 || len(plain) > 0 {
			return fmt.Errorf("packed: %q, plain: %q", packed, plain)
		}
		return nil
	})
	h.Stop()
	for what, files := range map[string][]string{
		"rotated": append(old(t, path, ".log.gz"), path), "moved": {moved, moved + ".1"},
	} {
		lines := 0
		for _, file := range files {
			n := strings.Count(unpacked(t, file), "\n")
			if lines += n; n == 0 {
				t.Errorf("%s: %s is empty", what, file)
			}
		}
		if lines != requests {
			t.Errorf("%s: %d lines in %q, want %d", what, lines, files, requests)
		}
	}
}

// old are the files that a log was rotated to.
func old(t *testing.T, path, extension string) []string {
	t.Helper()
	return must(t)(filepath.Glob(strings.TrimSuffix(path, ".log") + "-*" + extension)).([]string)
}

func unpacked(t *testing.T, path string) string {
	t.Helper()
	text := must(t)(os.ReadFile(path)).([]byte)
	if !strings.HasSuffix(path, ".gz") {
		return string(text)
	}
	r := must(t)(gzip.NewReader(bytes.NewReader(text))).(*gzip.Reader)
	return string(must(t)(io.ReadAll(r)).([]byte))
}
