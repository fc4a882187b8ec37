package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// watchEvery is how often run --watch looks at the files. Looking, unlike being
// told, also sees a file that is replaced through a symlink, on a network file
// system or by an editor that renames.
const watchEvery = time.Second

// seen is what tells one state of a file from another.
type seen struct {
	modified time.Time
	size     int64
	info     os.FileInfo // for the inode; nil if there is no file
}

func look(path string) seen {
	info, err := os.Stat(path)
	if err != nil {
		return seen{} // between two versions, or gone: the next look will tell
	}
	return seen{info.ModTime(), info.Size(), info}
}

func (s seen) same(o seen) bool {
	if s.info == nil || o.info == nil {
		return s.info == o.info
	}
	return s.modified.Equal(o.modified) && s.size == o.size && os.SameFile(s.info, o.info)
}

// lookAt looks at files, the Dwaarfile first, and at whatever matches a pattern
// now.
func lookAt(paths []string) []seen {
	all := make([]seen, 0, len(paths))
	for i, path := range paths {
		if i == 0 || !strings.ContainsAny(path, "*?") {
			all = append(all, look(path))
			continue
		}
		matches, _ := filepath.Glob(path)
		for _, match := range matches {
			all = append(all, look(match))
		}
	}
	return all
}

func unchanged(a, b []seen) bool { return slices.EqualFunc(a, b, seen.same) }

// watchFiles calls changed when one of the files has changed and all have then
// kept still for one look, so that a file being written is not read. After that
// it watches what files says then: imports come and go. The first file is the
// Dwaarfile, and without it there is nothing to read. It returns when ctx is
// done.
//
// When another Dwaarfile has come in force by a reload, that is watched, and
// told once: it may have changed since it was read.
func watchFiles(ctx context.Context, inForce func() string, files func(path string) []string, changed func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	path := inForce()
	paths := files(path)
	told := lookAt(paths)
	last := told
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if other := inForce(); other != path {
			path, paths = other, files(other)
			told = make([]seen, len(paths))
			last = told
		}
		now := lookAt(paths)
		if now[0].info != nil && unchanged(now, last) && !unchanged(now, told) {
			// Looked at before it is read: what changes from here on is seen.
			paths = files(path)
			told = lookAt(paths)
			now = told
			changed()
		}
		last = now
	}
}
