package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"dwaar/proxy/config"
	"dwaar/proxy/logfile"
)

// logging is dwaar's own log. Loggers made from it follow a reload.
type logging struct {
	stdout, stderr io.Writer
	level          slog.LevelVar
	sink           atomic.Pointer[sink]
}

// sink is where lines go and what they look like.
type sink struct {
	json bool
	file *logfile.File // nil unless w is one of ours

	mu      sync.Mutex // serialises lines, and guards the rest
	w       io.Writer
	dropped bool
}

func newLogging(stdout, stderr io.Writer) *logging {
	l := &logging{stdout: stdout, stderr: stderr}
	l.sink.Store(&sink{w: stderr})
	return l
}

func (l *logging) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: &l.level}
	return slog.New(&follower{
		log:  l,
		text: slog.NewTextHandler(line{l}, options),
		json: slog.NewJSONHandler(line{l}, options),
	})
}

// prepare opens what cfg names, without a change to the log. The sink must be
// given to use or dropped.
func (l *logging) prepare(cfg config.Log) (*sink, error) {
	s := &sink{json: cfg.Format == "json"}
	switch cfg.Output {
	case "stdout":
		s.w = l.stdout
	case "stderr":
		s.w = l.stderr
	case "discard":
		s.w = io.Discard
	default:
		file, err := logfile.Open(cfg.Output, cfg.File, l.rotationFailed)
		if err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
		s.w, s.file = file, file
	}
	return s, nil
}

// rotationFailed cannot say it in the log, whose write it may be called from.
func (l *logging) rotationFailed(err error) { fmt.Fprintln(l.stderr, "dwaar: log:", err) }

// use lets lines go to s from now on, and closes what was used before.
func (l *logging) use(s *sink, level string) {
	_ = l.level.UnmarshalText([]byte(level)) // proxy/config knows the words
	l.sink.Swap(s).drop()
}

func (l *logging) close() { l.use(&sink{w: l.stderr}, l.level.Level().String()) }

func (s *sink) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = true
	if s.file != nil {
		_ = s.file.Close()
	}
}

// write reports false if the sink was dropped before it could take the line.
func (s *sink) write(b []byte) (n int, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped {
		return 0, false, nil
	}
	n, err = s.w.Write(b)
	return n, true, err
}

// line writes to whatever the sink is now. Handlers give it one whole line.
type line struct{ log *logging }

func (l line) Write(b []byte) (int, error) {
	for {
		if n, ok, err := l.log.sink.Load().write(b); ok {
			return n, err
		}
	}
}

// follower is a handler in the format that the sink has now.
type follower struct {
	log        *logging
	text, json slog.Handler
}

func (f *follower) Enabled(ctx context.Context, level slog.Level) bool {
	return f.text.Enabled(ctx, level)
}

func (f *follower) Handle(ctx context.Context, record slog.Record) error {
	if f.log.sink.Load().json {
		return f.json.Handle(ctx, record)
	}
	return f.text.Handle(ctx, record)
}

func (f *follower) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &follower{f.log, f.text.WithAttrs(attrs), f.json.WithAttrs(attrs)}
}

func (f *follower) WithGroup(name string) slog.Handler {
	return &follower{f.log, f.text.WithGroup(name), f.json.WithGroup(name)}
}
