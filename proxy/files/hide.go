package files

import (
	"os"
	"path/filepath"
	"strings"
)

// hidden says which files are not there for clients.
type hidden struct {
	names   []string // patterns of one name
	paths   []string // absolute paths, or patterns of them
	private []string // absolute paths of single files
}

func newHidden(c Config) *hidden {
	h := &hidden{private: c.Private}
	for _, pattern := range c.Hide {
		if filepath.IsAbs(pattern) {
			h.paths = append(h.paths, filepath.Clean(pattern))
		} else {
			h.names = append(h.names, pattern)
		}
	}
	return h
}

// has reports whether a file below root is hidden, or a directory it is in.
func (h *hidden) has(root, name string) bool {
	if len(h.names) > 0 {
		for segment := range strings.SplitSeq(name[min(len(root), len(name)):], string(filepath.Separator)) {
			if segment != "" && matchAny(h.names, segment) {
				return true
			}
		}
	}
	if len(h.paths) > 0 {
		for at := name; ; at = filepath.Dir(at) {
			if matchAny(h.paths, at) {
				return true
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return h.isPrivate(name)
}

// isPrivate compares files, not only their names: the root may be a link, and
// disks may ignore case.
func (h *hidden) isPrivate(name string) bool {
	for _, private := range h.private {
		if name == private {
			return true
		}
		if !strings.EqualFold(filepath.Base(name), filepath.Base(private)) {
			continue
		}
		a, err := os.Stat(name)
		if err != nil {
			continue
		}
		if b, err := os.Stat(private); err == nil && os.SameFile(a, b) {
			return true
		}
	}
	return false
}

func matchAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if pattern == name {
			return true
		}
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
