package accesslog_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/logfile"
)

// opened is a set of logs with one output, which runs until the test ends.
type opened struct {
	*accesslog.Logs
	*accesslog.Log
	stop func()
}

func open(t *testing.T, output string, stdout io.Writer) *opened {
	t.Helper()
	return openAs(t, accesslog.Config{Output: output}, stdout)
}

func openAs(t *testing.T, config accesslog.Config, stdout io.Writer) *opened {
	t.Helper()
	logs := accesslog.NewLogs(stdout, io.Discard, slog.New(slog.NewTextHandler(t.Output(), nil)))
	o := &opened{Logs: logs}
	o.reload(t, config)
	return o
}

func (o *opened) reload(t *testing.T, config accesslog.Config) {
	t.Helper()
	change, err := o.Prepare([]accesslog.Config{config, config})
	if err != nil {
		t.Fatal(err)
	}
	o.Log = change.Log(config, false)
	for _, run := range change.Commit() {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { run(ctx) })
		o.stop = func() { cancel(); running.Wait() }
		t.Cleanup(o.stop)
	}
}

// record makes a line of a request that was answered with 200.
func (o *opened) record(r *http.Request) {
	o.Begin(r, netip.MustParseAddr("192.0.2.1"), time.Now()).End(accesslog.Answer{Status: 200})
}

func request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/path?secret=seen", nil)
	r.Host, r.RemoteAddr = "a.test:8443", "192.0.2.1:4711"
	r.Header.Set("User-Agent", "tester\n\"quoted\"")
	r.Header.Set("Authorization", "Bearer hidden-token")
	r.Header.Set("Cookie", "hidden-cookie")
	r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, NegotiatedProtocol: "h2", ServerName: "a.test"}
	return r
}

// written is the one line of a log with this configuration, without what is
// different every time.
func written(t *testing.T, config accesslog.Config, answer accesslog.Answer) string {
	t.Helper()
	var out bytes.Buffer
	config.Output = accesslog.Stdout
	log := openAs(t, config, &out)
	r := request()
	record := log.Begin(r, netip.MustParseAddr("198.51.100.7"), time.Now())
	r.Method, r.Host, r.RequestURI = "changed", "changed", "changed"
	r.Header.Set("User-Agent", "changed")
	record.End(answer)
	log.stop()
	line := regexp.MustCompile(`"(ts|duration)":[0-9.]+`).ReplaceAllString(out.String(), `"$1":0`)
	return regexp.MustCompile(`^[0-9/]+ [0-9:.]+\t`).ReplaceAllString(line, "TIME\t")
}

// sorted is a line with its keys in order.
func sorted(t *testing.T, line string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRecordIsALineOfJSON(t *testing.T) {
	got := written(t, accesslog.Config{}, accesslog.Answer{
		Status: 404, Size: 12, BytesRead: 3, User: "ann", Upstream: "10.0.0.1:80", Header: http.Header{"Content-Type": {"text/html"}, "Set-Cookie": {"a=b", "c=d"}},
	})
	want := `{"bytes_read":3,"duration":0,"level":"info","logger":"http.log.access","msg":"handled request",` +
		`"request":{"client_ip":"198.51.100.7","headers":{"Authorization":["REDACTED"],"Cookie":["REDACTED"],"User-Agent":["tester\n\"quoted\""]},` +
		`"host":"a.test:8443","method":"POST","proto":"HTTP/1.1","remote_ip":"192.0.2.1","remote_port":"4711",` +
		`"tls":{"cipher_suite":4865,"proto":"h2","resumed":false,"server_name":"a.test","version":772},"uri":"/path?secret=seen"},` +
		`"resp_headers":{"Content-Type":["text/html"],"Set-Cookie":["REDACTED","REDACTED"]},"size":12,"status":404,"ts":0,"upstream":"10.0.0.1:80","user_id":"ann"}`
	if strings.Count(got, "\n") != 1 || sorted(t, got) != want {
		t.Errorf("line = %s\nwant  %s", sorted(t, got), want)
	}
}

func TestConsoleLineBeginsWithWhatPeopleLookFor(t *testing.T) {
	got := written(t, accesslog.Config{Format: accesslog.Console, Name: "shop"}, accesslog.Answer{Status: 500})
	if !strings.HasPrefix(got, "TIME\terror\thttp.log.access.shop\thandled request\t{\"request\":{") {
		t.Errorf("line = %s", got)
	}
	if object := got[strings.Index(got, "{"):]; sorted(t, object) == "" {
		t.Errorf("no JSON: %s", object)
	}
}

func TestFiltersChangeWhatIsWritten(t *testing.T) {
	for _, c := range []struct {
		filter accesslog.Filter
		want   string // stands in the line
		not    string // does not
	}{
		{accesslog.Filter{Field: "request>uri", Do: "delete"}, "", `"uri"`},
		{accesslog.Filter{Field: "request>headers>user-agent", Do: "delete"}, "", "User-Agent"},
		{accesslog.Filter{Field: "request>headers", Do: "delete"}, "", `headers":{"A`},
		{accesslog.Filter{Field: "request>tls", Do: "delete"}, "", `"tls"`},
		{accesslog.Filter{Field: "level", Do: "delete"}, `{"ts"`, `"level"`},
		{accesslog.Filter{Field: "request>host", Do: "replace", Value: "x"}, `"host":"x"`, "a.test:8443"},
		{accesslog.Filter{Field: "request>headers>Cookie", Do: "replace", Value: "x"}, `"Cookie":["x"]`, "hidden"},
		{accesslog.Filter{Field: "request>remote_port", Do: "hash"}, `"remote_port":"de650d61"`, "4711"},
		{accesslog.Filter{Field: "request>client_ip", Do: "ip_mask", IPv4: 16}, `"client_ip":"198.51.0.0"`, "198.51.100"},
		{accesslog.Filter{Field: "request>uri", Do: "query", Parts: []accesslog.Part{{Do: "replace", Name: "secret", Value: "X"}}}, `"/path?secret=X"`, "seen"},
		{accesslog.Filter{Field: "request>uri", Do: "query", Parts: []accesslog.Part{{Do: "delete", Name: "secret"}}}, `"/path"`, "seen"},
		{accesslog.Filter{Field: "request>uri", Do: "regexp", Pattern: "secret=[a-z]*", Value: "-"}, `"/path?-"`, "seen"},
		{accesslog.Filter{Field: "resp_headers>Location", Do: "query", Parts: []accesslog.Part{{Do: "hash", Name: "code"}}}, `["/back?code=a1cb100f&x=1"]`, "edge"},
	} {
		got := written(t, accesslog.Config{Filters: []accesslog.Filter{c.filter}},
			accesslog.Answer{Status: 200, Header: http.Header{"Location": {"/back?code=edge&x=1"}}})
		sorted(t, got)
		if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%+v: %s", c.filter, got)
		}
	}
}

// The name of a parameter cannot be hidden by escapes.
func TestQueryFilterSeesThroughEscapes(t *testing.T) {
	var out bytes.Buffer
	log := openAs(t, accesslog.Config{Output: accesslog.Stdout, Filters: []accesslog.Filter{
		{Field: "request>uri", Do: "query", Parts: []accesslog.Part{{Do: "delete", Name: "token"}}},
		{Field: "request>headers>X-Forwarded-For", Do: "ip_mask", IPv4: 24, IPv6: 32},
	}}, &out)
	r := request()
	r.RequestURI = "/?to%6ben=1&a=2&token=3&token"
	r.Header["X-Forwarded-For"] = []string{"192.0.2.77, 2001:db8:1:2::3, 192.0.2.9:80, nonsense"}
	log.record(r)
	log.stop()
	if line := out.String(); strings.Contains(line, "nonsense") || !strings.Contains(line, `"uri":"/?a=2"`) || !strings.Contains(line, `["192.0.2.0, 2001:db8::, 192.0.2.0, `) {
		t.Errorf("line = %s", out.String())
	}
}

func TestBadFiltersAreRefused(t *testing.T) {
	for want, list := range map[string][]accesslog.Filter{
		"access log: filter of request>url: there is no such field":                                                        {{Field: "request>url", Do: "delete"}},
		"access log: filter of status: it can only be deleted":                                                             {{Field: "status", Do: "hash"}},
		`access log: filter of request>uri: "x" is not delete, replace, hash, ip_mask, query, cookie or regexp`:            {{Field: "request>uri", Do: "x"}},
		"access log: filter of request>uri: there is a filter for it already":                                              {{Field: "request>uri", Do: "hash"}, {Field: "request>uri", Do: "delete"}},
		"access log: filter of request>uri: it names nothing to change":                                                    {{Field: "request>uri", Do: "query"}},
		`access log: filter of request>uri: "y" is not delete, replace or hash`:                                            {{Field: "request>uri", Do: "query", Parts: []accesslog.Part{{Do: "y", Name: "a"}}}},
		"access log: filter of request>client_ip: a mask is at most 32 bits of an IPv4 address and 128 of an IPv6 address": {{Field: "request>client_ip", Do: "ip_mask", IPv4: 33}},
		"access log: filter of request>uri: error parsing regexp: missing closing ): `(`":                                  {{Field: "request>uri", Do: "regexp", Pattern: "("}},
	} {
		if err := (accesslog.Config{Output: "stdout", Filters: list}).Check(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestLevelLeavesOutWhatSucceeded(t *testing.T) {
	var out bytes.Buffer
	log := openAs(t, accesslog.Config{Output: accesslog.Stdout, Level: "error"}, &out)
	for _, status := range []int{200, 404, 500, 502} {
		log.Begin(request(), netip.Addr{}, time.Now()).End(accesslog.Answer{Status: status})
	}
	log.stop()
	if strings.Count(out.String(), "\n") != 2 || strings.Count(out.String(), `"level":"error"`) != 2 {
		t.Errorf("lines = %s", out.String())
	}
}

func TestEveryStringIsJSON(t *testing.T) {
	var out bytes.Buffer
	log := open(t, accesslog.Stdout, &out)
	r := request()
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	r.RequestURI = string(every) + "\u2028\u0085ü€\U0001f600\xff\xfe"
	log.record(r)
	log.stop()
	var got struct {
		Request struct {
			URI string `json:"uri"`
		} `json:"request"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	if want := strings.ToValidUTF8(r.RequestURI, "\ufffd"); strings.Trim(got.Request.URI, "\ufffd") == "" || !strings.HasPrefix(got.Request.URI, want[:128]) || !strings.Contains(got.Request.URI, "\u2028\u0085ü€\U0001f600") {
		t.Errorf("uri = %q", got.Request.URI)
	}
	for _, b := range out.Bytes()[:out.Len()-1] {
		if b < ' ' || b == 0x7f {
			t.Fatalf("a control character reaches the log: %q", out.String())
		}
	}
}

func TestRotationIsOneForAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	logs := accesslog.NewLogs(io.Discard, io.Discard, slog.New(slog.DiscardHandler))
	_, err := logs.Prepare([]accesslog.Config{{Output: path}, {Output: path, File: logfile.Options{RollKeep: 3}}})
	if err == nil || !strings.Contains(err.Error(), "they rotate it differently") {
		t.Errorf("Prepare = %v", err)
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestWhatAFullDiskDoesNotTakeIsCounted(t *testing.T) {
	log := open(t, accesslog.Stdout, fullDisk{})
	for range 7 {
		log.record(request())
	}
	log.stop()
	if log.Lost() != 7 {
		t.Errorf("%d requests lost, want 7", log.Lost())
	}
}

func TestRotatedFileIsLetGoByAReloadAndNoLineIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	log := open(t, path, nil)
	const lines = 200
	for i := range lines {
		log.record(request())
		if i == lines/2 {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			log.reload(t, accesslog.Config{Output: path})
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
	log.record(request())
	log.stop()
	if written, _ := os.ReadFile(path); strings.Count(string(written), "\n") != 1 {
		t.Errorf("log = %q", written)
	}
}

func TestLogThatLeavesTheConfigurationEnds(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "a.log"), nil)
	ended := log.stop
	log.reload(t, accesslog.Config{Output: filepath.Join(t.TempDir(), "b.log")})
	done := make(chan struct{})
	go func() { ended(); close(done) }()
	<-done
}

// A request may take longer than its log stays in the configuration.
func TestRequestThatOutlivesItsLogIsCounted(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "a.log"), nil)
	late, ended := log.Begin(request(), netip.MustParseAddr("192.0.2.1"), time.Now()), log.stop
	log.reload(t, accesslog.Config{Output: filepath.Join(t.TempDir(), "b.log")})
	ended()
	late.End(accesslog.Answer{Status: 200})
	if got := log.Lost(); got != 1 {
		t.Errorf("%d requests are counted as lost, want 1", got)
	}
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
	r := request()
	r.RequestURI = strings.Repeat("x", 64<<10)
	for range 300 {
		log.record(r)
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
	r := request()
	r.RequestURI = strings.Repeat("x", 64<<10)
	for range 300 { // far more than is queued
		log.record(r)
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
		"":               "access log: no output: stdout, stderr, discard or a file",
		"relative.log":   `access log: "relative.log" is not stdout, stderr, discard or an absolute path`,
		"/nowhere/a.log": "access log: open /nowhere/a.log: no such file or directory",
		pipe:             "access log: " + pipe + ": nobody reads from this pipe",
	} {
		if _, err := logs.Prepare([]accesslog.Config{{Output: "stderr"}, {Output: output}}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", output, err, want)
		}
	}
}
