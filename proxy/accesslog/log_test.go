package accesslog_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dwaar/proxy/accesslog"
)

// opened is a set of logs with one output, which runs until the test ends.
type opened struct {
	*accesslog.Logs
	*accesslog.Log
	stop func()
}

func open(t *testing.T, output string, stdout io.Writer) *opened {
	t.Helper()
	logs := accesslog.NewLogs(stdout, io.Discard, slog.New(slog.NewTextHandler(t.Output(), nil)))
	o := &opened{Logs: logs}
	o.reload(t, output)
	return o
}

func (o *opened) reload(t *testing.T, output string) {
	t.Helper()
	config := accesslog.Config{Output: output}
	change, err := o.Prepare([]accesslog.Config{config, config})
	if err != nil {
		t.Fatal(err)
	}
	o.Log = change.Log(config)
	for _, l := range change.Commit() {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { l.Run(ctx) })
		o.stop = func() { cancel(); running.Wait() }
		t.Cleanup(o.stop)
	}
}

func asked() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/path?secret=seen", nil)
	r.Host, r.RemoteAddr = "a.test:8443", "192.0.2.1:4711"
	r.Header.Set("User-Agent", "tester\n\"quoted\"")
	r.Header.Set("Authorization", "Bearer hidden-token")
	r.Header.Set("Cookie", "hidden-cookie")
	r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, ServerName: "a.test"}
	return r
}

func TestRecordIsALineOfJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	log := open(t, path, nil)
	r := asked()
	entry := accesslog.Begin(r)
	r.Method, r.Host, r.RequestURI = "changed", "changed", "changed"
	log.Record(entry, 404, 12)
	log.stop()
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(written), "hidden") || strings.Count(string(written), "\n") != 1 {
		t.Errorf("log = %s", written)
	}
	var got struct {
		Time    time.Time `json:"time"`
		Level   string    `json:"level"`
		Msg     string    `json:"msg"`
		Request struct {
			RemoteIP   string `json:"remote_ip"`
			RemotePort string `json:"remote_port"`
			Proto      string `json:"proto"`
			Method     string `json:"method"`
			Host       string `json:"host"`
			URI        string `json:"uri"`
			UserAgent  string `json:"user_agent"`
			TLS        struct {
				Version string `json:"version"`
				SNI     string `json:"sni"`
			} `json:"tls"`
		} `json:"request"`
		Status   int     `json:"status"`
		Size     int     `json:"size"`
		Duration float64 `json:"duration"`
	}
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	q := got.Request
	if got.Level != "INFO" || got.Msg != "handled request" || got.Status != 404 || got.Size != 12 || got.Duration <= 0 || got.Time.IsZero() ||
		q.RemoteIP != "192.0.2.1" || q.RemotePort != "4711" || q.Proto != "HTTP/1.1" || q.Method != "POST" ||
		q.Host != "a.test:8443" || q.URI != "/path?secret=seen" || q.UserAgent != "tester\n\"quoted\"" ||
		q.TLS.Version != "TLS 1.3" || q.TLS.SNI != "a.test" {
		t.Errorf("record = %s", written)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
}

func TestRotatedFileIsLetGoByAReloadAndNoLineIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	log := open(t, path, nil)
	const lines = 200
	for i := range lines {
		log.Record(accesslog.Begin(asked()), 200, int64(i))
		if i == lines/2 {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			log.reload(t, path)
		}
	}
	log.stop()
	old, _ := os.ReadFile(path + ".1")
	fresh, _ := os.ReadFile(path)
	if n := strings.Count(string(old)+string(fresh), "\n"); n != lines || len(fresh) == 0 {
		t.Errorf("%d lines, %d bytes in the new file, want %d lines", n, len(fresh), lines)
	}
}

func TestAbortedChangeLeavesTheLogAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	log := open(t, path, nil)
	change, err := log.Prepare([]accesslog.Config{{Output: path}})
	if err != nil {
		t.Fatal(err)
	}
	change.Abort()
	log.Record(accesslog.Begin(asked()), 200, 0)
	log.stop()
	if written, _ := os.ReadFile(path); strings.Count(string(written), "\n") != 1 {
		t.Errorf("log = %q", written)
	}
}

func TestLogThatLeavesTheConfigurationEnds(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "a.log"), nil)
	ended := log.stop
	log.reload(t, filepath.Join(t.TempDir(), "b.log"))
	done := make(chan struct{})
	go func() { ended(); close(done) }()
	<-done
}

// stuckOutput takes nothing until it is released, and counts what it gets.
type stuckOutput struct {
	release chan struct{}
	taken   atomic.Int64
}

func (s *stuckOutput) Write(p []byte) (int, error) {
	<-s.release
	s.taken.Add(int64(len(p)))
	return len(p), nil
}

func TestQueueOfASlowOutputIsBounded(t *testing.T) {
	stuck := &stuckOutput{release: make(chan struct{})}
	log := open(t, "stdout", stuck)
	r := asked()
	r.RequestURI = strings.Repeat("x", 64<<10)
	for range 300 {
		log.Record(accesslog.Begin(r), 200, 0)
	}
	close(stuck.release)
	log.stop()
	if got := stuck.taken.Load(); got == 0 || got > 9<<20 {
		t.Errorf("%d bytes were kept for an output that takes none, want at most two buffers of 4 MiB", got)
	}
}

func TestStuckOutputHoldsUpNoRequestAndNoEnd(t *testing.T) {
	stuck := &stuckOutput{release: make(chan struct{})}
	defer close(stuck.release)
	log := open(t, "stdout", stuck)
	began := time.Now()
	r := asked()
	r.RequestURI = strings.Repeat("x", 64<<10)
	for range 300 { // far more than is queued
		log.Record(accesslog.Begin(r), 200, 0)
	}
	log.stop()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestBadOutputIsRefused(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	logs := accesslog.NewLogs(io.Discard, io.Discard, slog.New(slog.DiscardHandler))
	for output, want := range map[string]string{
		"":               "access log: no output: stdout, stderr or a file",
		"relative.log":   `access log: "relative.log" is not stdout, stderr or an absolute path`,
		"/nowhere/a.log": "access log: open /nowhere/a.log: no such file or directory",
		pipe:             "access log " + pipe + ": nobody reads from this pipe",
	} {
		if _, err := logs.Prepare([]accesslog.Config{{Output: "stderr"}, {Output: output}}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", output, err, want)
		}
	}
}
