package storage

import (
	"fmt"
	"strings"
)

// maxKey bounds a key, in bytes; no file system takes a longer path.
const maxKey = 1024

// Clean returns the canonical form of a key or prefix: components joined by one slash, none
// at the end. It refuses what could leave the root or hide in it (absolute paths, NUL and
// components that begin with a dot, ".." first of all) instead of repairing it. The empty
// key is the prefix of everything.
func Clean(key string) (string, error) {
	switch {
	case len(key) > maxKey:
		return "", fmt.Errorf("key of %d bytes is over the limit of %d", len(key), maxKey)
	case strings.HasPrefix(key, "/"):
		return "", fmt.Errorf("key %q is an absolute path", key)
	case strings.ContainsRune(key, 0):
		return "", fmt.Errorf("key %q contains NUL", key)
	}
	var parts []string
	for part := range strings.SplitSeq(key, "/") {
		if strings.HasPrefix(part, ".") {
			return "", fmt.Errorf("key %q has a component that begins with a dot", key)
		}
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/"), nil
}
