package accesslog

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// maxKept bounds the buffers that wait for their next record.
const maxKept = 64 << 10

// Log records the requests of a site in one output.
type Log struct {
	output     *output
	filters    *filters
	logger     string // of its lines
	console    bool
	errorsOnly bool
	secret     bool
	records    sync.Pool // of *Record
}

// newLog compiles config, which was checked.
func newLog(config Config, output *output, credentials bool) *Log {
	l := &Log{output: output, logger: "http.log.access", secret: !credentials}
	if config.Name != "" {
		l.logger += "." + config.Name
	}
	l.filters, _ = compileFilters(config.Filters)
	l.console = config.Format == Console
	l.errorsOnly = config.Level == "warn" || config.Level == "error"
	return l
}

// Record is a request that is being served.
type Record struct {
	log     *Log
	start   time.Time
	request line // what the client sent, before any handler can change it
	line    line
}

// Begin takes down what the client sent, from when on its request is measured.
func (l *Log) Begin(r *http.Request, client netip.Addr, start time.Time) *Record {
	record, _ := l.records.Get().(*Record)
	if record == nil {
		record = &Record{log: l}
	}
	record.start = start
	record.request = line{record.request.buf[:0], l.filters, l.secret}
	record.request.request(r, clientText(r, client))
	return record
}

// clientText is the client's address. That of the peer is a part of a string
// that is there already.
func clientText(r *http.Request, client netip.Addr) string {
	var digits [48]byte
	if !client.IsValid() {
		return ""
	}
	text := client.AppendTo(digits[:0])
	if peer := r.RemoteAddr; len(peer) > len(text) && peer[:len(text)] == string(text) && peer[len(text)] == ':' {
		return peer[:len(text)]
	}
	return string(text)
}

// Answer is how a request was answered.
type Answer struct {
	Status    int
	Size      int64 // of the body that was sent
	BytesRead int64 // of the body that came
	User      string
	Upstream  string // that was tried last
	Header    http.Header
}

// End writes the line. The record must not be used after it.
func (record *Record) End(a Answer) {
	l := record.log
	if failed := a.Status >= 500; failed || !l.errorsOnly {
		record.write(a, failed)
		l.output.add(record.line.buf)
	}
	record.keep()
}

// Drop forgets the record, which must not be used after it.
func (record *Record) Drop() { record.keep() }

// keep saves the buffers for the next record.
func (record *Record) keep() {
	if cap(record.request.buf) <= maxKept && cap(record.line.buf) <= maxKept {
		record.log.records.Put(record)
	}
}

func (record *Record) write(a Answer, failed bool) {
	l, now := record.log, time.Now()
	level := "info"
	if failed {
		level = "error"
	}
	record.line = line{record.line.buf[:0], l.filters, l.secret}
	w := &record.line
	open := record.head(level, now)
	w.buf = append(w.buf, record.request.buf...)
	w.number(fieldBytesRead, a.BytesRead)
	w.text(fieldUser, a.User)
	w.seconds(fieldDuration, now.Sub(record.start).Microseconds())
	w.number(fieldSize, a.Size)
	w.number(fieldStatus, int64(a.Status))
	if a.Upstream != "" {
		w.text(fieldUpstream, a.Upstream)
	}
	w.headers(fieldResponseHeaders, a.Header, l.filters.response)
	w.end(open)
	w.buf = append(w.buf, '\n')
}

// head writes what comes before the request, and returns where the object of
// the line begins.
func (record *Record) head(level string, now time.Time) (open int) {
	w, logger := &record.line, record.log.logger
	if !record.log.console {
		if w.key(fieldLevel) {
			w.buf = appendString(w.buf, level)
		}
		w.seconds(fieldTime, now.UnixMicro())
		if w.key(fieldLogger) {
			w.buf = appendString(w.buf, logger)
		}
		if w.key(fieldMessage) {
			w.buf = appendString(w.buf, "handled request")
		}
		return 0
	}
	w.buf = consoleTime(w.buf, now)
	for _, word := range [...]string{level, logger, "handled request", ""} {
		if w.buf = append(w.buf, '\t'); word != "" {
			w.buf = append(w.buf, word...)
		}
	}
	return len(w.buf)
}
