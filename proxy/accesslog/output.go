package accesslog

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueued bounds the lines that wait for a slow output. What does not
	// fit is dropped and counted: no request waits for its own record.
	maxQueued = 4 << 20
	// lastWords is how long the end of run waits for the output to take what
	// is still queued.
	lastWords = time.Second
	// gather is how long lines are collected for one write.
	gather = 2 * time.Millisecond
)

// output is where logs write to. Requests queue their lines, run writes them.
type output struct {
	name string
	log  *slog.Logger
	lost *atomic.Int64 // lines, of all outputs
	wake chan struct{} // one token: there is something to write

	forsaken atomic.Bool // what is written or lost now interests nobody

	mu      sync.Mutex // guards the rest; never held across I/O
	queued  []byte
	dropped int
	next    io.WriteCloser // takes the place of the output before the next write
	ended   bool
}

func newOutput(name string, log *slog.Logger, lost *atomic.Int64) *output {
	return &output{name: name, log: log, lost: lost, wake: make(chan struct{}, 1)}
}

// add queues a line.
func (l *output) add(line []byte) {
	l.mu.Lock()
	switch {
	case l.ended: // by a reload, while the request was served
		l.lost.Add(1)
	case len(l.queued)+len(line) > maxQueued:
		l.dropped++
	default:
		l.queued = append(l.queued, line...)
	}
	l.mu.Unlock()
	l.poke()
}

func (l *output) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// reopen makes output take the place of the one that is written to.
func (l *output) reopen(output io.WriteCloser) {
	l.mu.Lock()
	unused := l.next
	l.next = output
	l.mu.Unlock()
	if unused != nil {
		_ = unused.Close()
	}
	l.poke()
}

// end lets run return when everything is written.
func (l *output) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.poke()
}

// run writes what is queued until ctx is done or the log has left the
// configuration, then the rest of it, for at most a second.
func (l *output) run(ctx context.Context) {
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
		l.forsaken.Store(true)
		l.log.Warn("access log does not take its last lines", "output", l.name)
	}
}

// writeAll writes until the log has ended and its queue is empty.
func (l *output) writeAll() {
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
		if n, err := writeLines(output, lines); err != nil {
			lost.err = err
			dropped += bytes.Count(lines[n:], []byte("\n"))
		}
		l.lost.Add(int64(dropped))
		lost.lines += dropped
		lost.report(l)
		if ended {
			return
		}
		time.Sleep(gather)
	}
}

// writeLines writes what there is, and nothing if there is nothing.
func writeLines(w io.Writer, lines []byte) (int, error) {
	if len(lines) == 0 {
		return 0, nil
	}
	return w.Write(lines)
}

// lost is what could not be recorded since the last report.
type lost struct {
	lines    int
	err      error
	reported time.Time
}

// report says at most every ten seconds what was lost.
func (o *lost) report(l *output) {
	if l.forsaken.Load() || o.lines == 0 && o.err == nil || time.Since(o.reported) < 10*time.Second {
		return
	}
	l.log.Warn("access log lost requests", "output", l.name, "requests", o.lines, "err", o.err)
	*o = lost{reported: time.Now()}
}
