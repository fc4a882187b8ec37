package accesslog

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
)

// Logs are the open outputs of a process, one for each name, over reloads.
type Logs struct {
	log    *slog.Logger
	stdout io.Writer
	stderr io.Writer
	open   map[string]*Log // owned by the caller of Prepare and Commit
}

// NewLogs opens nothing yet. Log takes warnings about outputs.
func NewLogs(stdout, stderr io.Writer, log *slog.Logger) *Logs {
	return &Logs{log: log, stdout: stdout, stderr: stderr, open: make(map[string]*Log)}
}

// Change is a set of outputs that was opened, not yet in use.
type Change struct {
	logs    *Logs
	outputs map[string]io.WriteCloser // freshly opened
	result  map[string]*Log
}

// Prepare opens every output anew, also those that are in use: that lets go
// of rotated files. Nothing changes until Commit. Calls of Prepare, Commit
// and Abort must not overlap.
func (s *Logs) Prepare(configs []Config) (*Change, error) {
	c := &Change{logs: s, outputs: make(map[string]io.WriteCloser), result: make(map[string]*Log)}
	for _, config := range configs {
		if _, ok := c.result[config.Output]; ok {
			continue
		}
		output, err := s.openOutput(config)
		if err != nil {
			c.Abort()
			return nil, err
		}
		c.outputs[config.Output] = output
		c.result[config.Output] = s.open[config.Output]
		if c.result[config.Output] == nil {
			c.result[config.Output] = newLog(config.Output, nil, s.log)
		}
	}
	return c, nil
}

// Log is the log of an output that was given to Prepare.
func (c *Change) Log(config Config) *Log { return c.result[config.Output] }

// Abort closes what Prepare opened.
func (c *Change) Abort() {
	for _, output := range c.outputs {
		_ = output.Close()
	}
}

// Commit lets logs write to what was opened, ends those that are no longer
// wanted, and returns those whose Run must be started.
func (c *Change) Commit() (started []*Log) {
	for name, l := range c.result {
		l.reopen(c.outputs[name])
		if c.logs.open[name] == nil {
			started = append(started, l)
		}
	}
	for name, l := range c.logs.open {
		if c.result[name] == nil {
			l.end()
		}
	}
	c.logs.open = c.result
	return started
}

func (s *Logs) openOutput(config Config) (io.WriteCloser, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	switch config.Output {
	case "stdout":
		return keptOpen{s.stdout}, nil
	case "stderr":
		return keptOpen{s.stderr}, nil
	}
	// Without O_NONBLOCK opening a named pipe would wait for its reader.
	file, err := os.OpenFile(config.Output, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if errors.Is(err, syscall.ENXIO) {
		return nil, fmt.Errorf("access log %s: nobody reads from this pipe", config.Output)
	}
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return file, nil
}

// keptOpen is a stream of the process: not for a log to close.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }
