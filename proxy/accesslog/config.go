// Package accesslog records requests as lines of JSON.
package accesslog

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"dwaar/proxy/logfile"
)

// The words of [Config].
const (
	Stdout  = "stdout"
	Stderr  = "stderr"
	Discard = "discard"

	JSON    = "json"
	Console = "console"
)

// Config says where and how the requests of a site are recorded.
type Config struct {
	// Name tells several logs apart: their lines say http.log.access.NAME.
	Name string `json:"name,omitempty"`
	// Output is "stdout", "stderr", "discard" or the absolute path of a file,
	// which is opened again on every reload, so that a renamed one is let go.
	Output string `json:"output"`
	// File says how a file is made and rotated.
	File logfile.Options `json:"file,omitempty"`
	// Format is "json" or "console", which puts time, level and message in
	// front of the JSON of the rest. Empty means json.
	Format string `json:"format,omitempty"`
	// Filters change or leave out fields.
	Filters []Filter `json:"filters,omitempty"`
	// Level is the least important requests that are recorded: those that were
	// answered with 500 or more are "error", all others "info". Empty means all.
	Level string `json:"level,omitempty"`
}

// Check reports what is wrong with c without opening anything.
func (c Config) Check() error {
	problems := []error{c.checkOutput()}
	if !slices.Contains([]string{"", JSON, Console}, c.Format) {
		problems = append(problems, fmt.Errorf("access log: format %q is not json or console", c.Format))
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.Level) {
		problems = append(problems, fmt.Errorf("access log: level %q is not debug, info, warn or error", c.Level))
	}
	if err := c.File.Check(); err != nil {
		problems = append(problems, fmt.Errorf("access log: %w", err))
	}
	if _, err := compileFilters(c.Filters); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (c Config) checkOutput() error {
	switch {
	case c.Output == Stdout, c.Output == Stderr, c.Output == Discard:
		if c.File != (logfile.Options{}) {
			return fmt.Errorf("access log: %s does not rotate", c.Output)
		}
	case c.Output == "":
		return errors.New("access log: no output: stdout, stderr, discard or a file")
	case !filepath.IsAbs(c.Output):
		return fmt.Errorf("access log: %q is not stdout, stderr, discard or an absolute path", c.Output)
	}
	return nil
}
