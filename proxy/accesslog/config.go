// Package accesslog records requests as lines of JSON.
package accesslog

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Config says where the requests of a site are recorded.
type Config struct {
	// Output is "stdout", "stderr" or the absolute path of a file. A file is
	// created with mode 0600, appended to, and opened again on every reload,
	// so that a rotated file is let go.
	Output string `json:"output"`
}

// Check reports what is wrong with c without opening anything.
func (c Config) Check() error {
	switch {
	case c.Output == "stdout", c.Output == "stderr":
		return nil
	case c.Output == "":
		return errors.New("access log: no output: stdout, stderr or a file")
	case !filepath.IsAbs(c.Output):
		return fmt.Errorf("access log: %q is not stdout, stderr or an absolute path", c.Output)
	}
	return nil
}
