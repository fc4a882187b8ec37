package files

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Config is a file server.
type Config struct {
	// Root is an absolute path, with placeholders; empty means the one that the
	// directive root gave the request.
	Root string `json:"root,omitempty"`
	// Hide are files and directories that are not there for clients: absolute
	// paths, or names that hide wherever they stand below the root. Both may be
	// patterns as of [filepath.Match].
	Hide []string `json:"hide,omitempty"`
	// Private are absolute paths of files that are hidden under any name that
	// leads to them by links: the configuration itself.
	Private []string `json:"private,omitempty"`
	// Index are the files that stand for their directory; none means index.html
	// and index.txt.
	Index []string `json:"index,omitempty"`
	// Browse lists directories that have no such file.
	Browse bool `json:"browse,omitempty"`
	// Precompressed are the codings whose files are sent instead, "br", "zstd"
	// and "gzip", the preferred one first.
	Precompressed []string `json:"precompressed,omitempty"`
	// Status is sent with a file instead of 200; zero for 200.
	Status int `json:"status,omitempty"`
	// AsWritten serves paths as they are, without redirects that give
	// directories a slash at their end, and take it from files.
	AsWritten bool `json:"disable_canonical_uris,omitempty"`
	// PassThru leaves requests for files that are not there to what follows.
	PassThru bool `json:"pass_thru,omitempty"`
}

// suffixes of the names of precompressed files.
var suffixes = map[string]string{"br": ".br", "zstd": ".zst", "gzip": ".gz"}

// Check reports every problem of c.
func (c Config) Check() error {
	var problems []error
	if _, err := NewRoot(c.Root); err != nil {
		problems = append(problems, fmt.Errorf("root: %w", err))
	}
	for _, pattern := range c.Hide {
		if _, err := filepath.Match(pattern, ""); err != nil || pattern == "" {
			problems = append(problems, fmt.Errorf("hide: %q is not a pattern", pattern))
		} else if strings.ContainsRune(pattern, filepath.Separator) && !filepath.IsAbs(pattern) {
			problems = append(problems, fmt.Errorf("hide: %q is neither a name nor an absolute path", pattern))
		}
	}
	for _, name := range c.Index {
		if name == "" || !filepath.IsLocal(name) {
			problems = append(problems, fmt.Errorf("index: %q is not a name below a directory", name))
		}
	}
	for i, coding := range c.Precompressed {
		if suffixes[coding] == "" {
			problems = append(problems, fmt.Errorf("precompressed: %q is not br, zstd or gzip", coding))
		} else if slices.Contains(c.Precompressed[:i], coding) {
			problems = append(problems, fmt.Errorf("precompressed: %s is there twice", coding))
		}
	}
	if c.Status != 0 && (c.Status < 200 || c.Status > 599) {
		problems = append(problems, fmt.Errorf("status: %d is not between 200 and 599", c.Status))
	}
	return errors.Join(problems...)
}
