package accesslog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"dwaar/proxy/logfile"
)

// Logs are the open outputs of a process, one for each name, over reloads.
type Logs struct {
	log    *slog.Logger
	stdout io.Writer
	stderr io.Writer
	lost   atomic.Int64
	open   map[string]*output // owned by the caller of Prepare and Commit
}

// NewLogs opens nothing yet. Log takes warnings about outputs.
func NewLogs(stdout, stderr io.Writer, log *slog.Logger) *Logs {
	return &Logs{log: log, stdout: stdout, stderr: stderr, open: make(map[string]*output)}
}

// Lost is how many requests were not recorded because an output was too slow or
// could not be written to.
func (s *Logs) Lost() int64 { return s.lost.Load() }

// Change is a set of outputs that was opened, not yet in use.
type Change struct {
	logs    *Logs
	files   map[string]logfile.Options
	outputs map[string]io.WriteCloser // freshly opened
	result  map[string]*output
}

// Prepare opens every output anew, also those that are in use: that lets go
// of renamed files. Nothing changes until Commit. Calls of Prepare, Commit
// and Abort must not overlap.
func (s *Logs) Prepare(configs []Config) (*Change, error) {
	c := &Change{
		logs: s, files: make(map[string]logfile.Options), outputs: make(map[string]io.WriteCloser), result: make(map[string]*output),
	}
	for _, config := range configs {
		if err := c.open(config); err != nil {
			c.Abort()
			return nil, err
		}
	}
	return c, nil
}

func (c *Change) open(config Config) error {
	if err := config.Check(); err != nil {
		return err
	}
	name := config.Output
	if known, ok := c.files[name]; ok {
		if known != config.File {
			return fmt.Errorf("access log %s: it is written by two logs, and they rotate it differently", name)
		}
		return nil
	}
	w, err := c.logs.openOutput(config)
	if err != nil {
		return fmt.Errorf("access log: %w", err)
	}
	c.files[name], c.outputs[name] = config.File, w
	c.result[name] = c.logs.open[name]
	if c.result[name] == nil {
		c.result[name] = newOutput(name, c.logs.log, &c.logs.lost)
	}
	return nil
}

// Log is the log of a config that was given to Prepare. Credentials lets it
// write cookies and authorizations as they are.
func (c *Change) Log(config Config, credentials bool) *Log {
	return newLog(config, c.result[config.Output], credentials)
}

// Abort closes what Prepare opened.
func (c *Change) Abort() {
	for _, w := range c.outputs {
		_ = w.Close()
	}
}

// Commit lets logs write to what was opened, ends those that are no longer
// wanted, and returns what must be run: each until its context ends or its
// output has left the configuration.
func (c *Change) Commit() (started []func(context.Context)) {
	for name, o := range c.result {
		o.reopen(c.outputs[name])
		if c.logs.open[name] == nil {
			started = append(started, o.run)
		}
	}
	for name, o := range c.logs.open {
		if c.result[name] == nil {
			o.end()
		}
	}
	c.logs.open = c.result
	return started
}

func (s *Logs) openOutput(config Config) (io.WriteCloser, error) {
	switch config.Output {
	case Stdout:
		return keptOpen{s.stdout}, nil
	case Stderr:
		return keptOpen{s.stderr}, nil
	case Discard:
		return keptOpen{io.Discard}, nil
	}
	file, err := logfile.Open(config.Output, config.File, func(err error) {
		s.log.Warn("access log", "output", config.Output, "err", err)
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

// keptOpen is a stream of the process: not for a log to close.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }
