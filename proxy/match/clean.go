package match

import "strings"

// CleanPath resolves the dot segments of a path as RFC 3986 §5.2.4 does, so
// that /a/../b is seen as the /b a server behind dwaar will take it for. With
// mergeSlashes, runs of slashes count as one. The result starts with "/".
func CleanPath(path string, mergeSlashes bool) string {
	if isClean(path, mergeSlashes) {
		return path
	}
	out := make([]byte, 0, len(path)+1)
	for rest, more := strings.TrimPrefix(path, "/"), true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		switch {
		case segment == "" && mergeSlashes && more:
			// The slash that follows is one too many.
		case segment == ".", segment == "..":
			if segment == ".." {
				out = out[:max(strings.LastIndexByte(string(out), '/'), 0)]
			}
			if !more {
				out = append(out, '/')
			}
		default:
			out = append(out, '/')
			out = append(out, segment...)
		}
	}
	if len(out) == 0 {
		return "/"
	}
	return string(out)
}

// isClean is the common case, which copies nothing.
func isClean(path string, mergeSlashes bool) bool {
	return strings.HasPrefix(path, "/") &&
		!strings.Contains(path, "/.") &&
		!(mergeSlashes && strings.Contains(path, "//"))
}
