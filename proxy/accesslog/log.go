package accesslog

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxQueued bounds the lines that wait for a slow output. What does not
	// fit is dropped and counted: no request waits for its own record.
	maxQueued = 4 << 20
	// lastWords is how long the end of Run waits for the output to take what
	// is still queued.
	lastWords = time.Second
)

// Log is one output. Requests queue their lines, Run writes them.
type Log struct {
	name string
	json slog.Handler
	log  *slog.Logger
	wake chan struct{} // one token: there is something to write

	mu      sync.Mutex // guards the rest; never held across I/O
	queued  []byte
	dropped int
	next    io.WriteCloser // takes the place of the output before the next write
	ended   bool
}

func newLog(name string, output io.WriteCloser, log *slog.Logger) *Log {
	l := &Log{name: name, log: log, wake: make(chan struct{}, 1), next: output}
	l.json = slog.NewJSONHandler(queue{l}, nil)
	return l
}

// queue is the writer of the JSON handler: one call is one line.
type queue struct{ *Log }

func (q queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	if q.ended || len(q.queued)+len(line) > maxQueued {
		q.dropped++
	} else {
		q.queued = append(q.queued, line...)
	}
	q.mu.Unlock()
	q.poke()
	return len(line), nil
}

func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// reopen makes output take the place of the one that is written to.
func (l *Log) reopen(output io.WriteCloser) {
	l.mu.Lock()
	unused := l.next
	l.next = output
	l.mu.Unlock()
	if unused != nil {
		_ = unused.Close()
	}
	l.poke()
}

// end lets Run return when everything is written.
func (l *Log) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.poke()
}

// Run writes what is queued until ctx is done or the log has left the
// configuration, then the rest of it, for at most a second.
func (l *Log) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.writeAll()
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	l.end()
	select {
	case <-done:
	case <-time.After(lastWords):
		l.log.Warn("access log does not take its last lines", "output", l.name)
	}
}

// writeAll writes until the log has ended and its queue is empty.
func (l *Log) writeAll() {
	var output io.WriteCloser
	var lines []byte // the buffer that is not being filled
	defer func() {
		if output != nil {
			_ = output.Close()
		}
	}()
	var lost lost
	for range l.wake {
		l.mu.Lock()
		lines, l.queued = l.queued, lines[:0]
		next, dropped, ended := l.next, l.dropped, l.ended
		l.next, l.dropped = nil, 0
		l.mu.Unlock()
		if next != nil {
			if output != nil {
				_ = output.Close()
			}
			output = next
		}
		if _, err := output.Write(lines); err != nil {
			lost.err, lost.bytes = err, lost.bytes+len(lines)
		}
		lost.lines += dropped
		lost.report(l)
		if ended {
			return
		}
	}
}

// lost is what could not be recorded since the last report.
type lost struct {
	lines, bytes int
	err          error
	reported     time.Time
}

// report says at most every ten seconds what was lost.
func (o *lost) report(l *Log) {
	if o.lines == 0 && o.err == nil || time.Since(o.reported) < 10*time.Second {
		return
	}
	l.log.Warn("access log lost requests", "output", l.name, "dropped", o.lines, "unwritten_bytes", o.bytes, "err", o.err)
	*o = lost{reported: time.Now()}
}
