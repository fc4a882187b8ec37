package placeholder

import (
	"net/http"
	"strings"
)

// ofPath finds the value of a segment of the path: {path.0} is its first.
func ofPath(full string) value {
	index, ok := number(full, "http.request.uri.path.")
	if !ok {
		index, ok = number(full, "http.request.orig_uri.path.")
		if !ok {
			return nil
		}
		return func(r *http.Request) string { return segment(original(r).Path, index) }
	}
	return func(r *http.Request) string { return segment(r.URL.Path, index) }
}

// segment is what stands between two slashes of a path.
func segment(path string, index int) string {
	path = strings.TrimPrefix(path, "/")
	for ; index > 0; index-- {
		_, rest, more := strings.Cut(path, "/")
		if !more {
			return ""
		}
		path = rest
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}

// dir is a path up to its last slash, that included.
func dir(path string) string { return path[:strings.LastIndexByte(path, '/')+1] }

// file is a path from its last slash on, that excluded.
func file(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// extension cuts the file of a path before its last dot.
func extension(path string) (base, ext string) {
	name := file(path)
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		return name[:dot], name[dot:]
	}
	return name, ""
}
