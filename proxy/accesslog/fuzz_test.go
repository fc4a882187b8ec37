package accesslog_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"dwaar/proxy/accesslog"
)

// Whatever a client sends, a line is one line, JSON, and nothing for a terminal.
func FuzzLine(f *testing.F) {
	f.Add("/path?token=a&b=c", "X-Any", "value", "a.test:8443", "192.0.2.1:80")
	f.Add("/\x00\x7f\u2028\xff", "", "\r\n\x1b[2J", "[::1]", "@")
	f.Add("?=&;token=%74", "Cookie", "a=b; token=c", "\"", "1.2.3.4, ::1")
	f.Fuzz(func(t *testing.T, uri, name, value, host, remote string) {
		var out bytes.Buffer
		logs := accesslog.NewLogs(&out, io.Discard, slog.New(slog.DiscardHandler))
		config := accesslog.Config{Output: accesslog.Stdout, Filters: []accesslog.Filter{
			{Field: "request>uri", Do: "query", Parts: []accesslog.Part{{Do: "hash", Name: "token"}}},
			{Field: "request>headers>" + name, Do: "cookie", Parts: []accesslog.Part{{Do: "delete", Name: "token"}}},
			{Field: "request>remote_ip", Do: "ip_mask", IPv4: 16, IPv6: 32},
		}}
		change, err := logs.Prepare([]accesslog.Config{config})
		if err != nil {
			t.Fatal(err)
		}
		log := change.Log(config, false)
		r := &http.Request{Method: "GET", Host: host, RequestURI: uri, RemoteAddr: remote, Header: http.Header{name: {value, value}}}
		record := log.Begin(r, netip.Addr{}, time.Now())
		ended := make(chan struct{})
		for _, run := range change.Commit() {
			go func() { defer close(ended); run(t.Context()) }()
		}
		record.End(accesslog.Answer{Status: 200, User: value, Header: r.Header})
		last, err := logs.Prepare(nil)
		if err != nil {
			t.Fatal(err)
		}
		last.Commit()
		<-ended
		line := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
		if !json.Valid(line) || bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f }) {
			t.Errorf("line = %q", line)
		}
	})
}
