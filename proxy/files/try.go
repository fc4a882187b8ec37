package files

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

// Try says which files to look for, and which to take of those that are there.
type Try struct {
	// Root is an absolute path, with placeholders; empty means the one that the
	// directive root gave the request.
	Root string `json:"root,omitempty"`
	// Files are paths below the root, with placeholders; none means {path}. One
	// that ends in a slash means a directory, any other a file.
	Files []string `json:"try_files,omitempty"`
	// Policy is "first_exist", the default, "first_exist_fallback", which takes
	// the last one without looking, "smallest_size", "largest_size" or
	// "most_recently_modified".
	Policy string `json:"try_policy,omitempty"`
}

// Policies are the values of [Try.Policy].
var Policies = []string{"first_exist", "first_exist_fallback", "smallest_size", "largest_size", "most_recently_modified"}

// Finder is a compiled [Try].
type Finder struct {
	root  Root
	files []tried
	last  bool // the last one is taken without looking
	// better is whether b is taken, where a was found before it; nil for the
	// first one.
	better func(a, b fs.FileInfo) bool
}

type tried struct {
	path placeholder.Text
	dir  bool
}

// Found is a file that is there.
type Found struct {
	// Index is its place among the files that were tried.
	Index int
	// Relative is its path below the root, from a slash on; it ends in one if it
	// is a directory.
	Relative string
	absolute string
	dir      bool
}

// Compile checks t and makes it ready to look for files.
func (t Try) Compile() (*Finder, error) {
	f := &Finder{last: t.Policy == "first_exist_fallback"}
	var problems []error
	var err error
	if f.root, err = NewRoot(t.Root); err != nil {
		problems = append(problems, fmt.Errorf("root: %w", err))
	}
	if len(t.Files) == 0 {
		t.Files = []string{"{http.request.uri.path}"}
	}
	for _, file := range t.Files {
		one, err := compileTried(file)
		if err != nil {
			problems = append(problems, err)
		}
		f.files = append(f.files, one)
	}
	switch t.Policy {
	case "", "first_exist", "first_exist_fallback":
	case "smallest_size":
		f.better = func(a, b fs.FileInfo) bool { return b.Size() < a.Size() }
	case "largest_size":
		f.better = func(a, b fs.FileInfo) bool { return b.Size() > a.Size() }
	case "most_recently_modified":
		f.better = func(a, b fs.FileInfo) bool { return b.ModTime().After(a.ModTime()) }
	default:
		problems = append(problems, fmt.Errorf("%q is not one of the policies %s", t.Policy, strings.Join(Policies, ", ")))
	}
	return f, errors.Join(problems...)
}

func compileTried(file string) (tried, error) {
	if strings.HasPrefix(file, "=") {
		return tried{}, fmt.Errorf("%q: a status stands last, and only in try_files", file)
	}
	if placeholder.IndexAny(file, "*?[") >= 0 {
		return tried{}, fmt.Errorf("%q: patterns and queries are not supported", file)
	}
	text, err := placeholder.Compile(file)
	return tried{text, strings.HasSuffix(file, "/")}, err
}

// Find looks for the files, with the values of r in their placeholders.
func (f *Finder) Find(r *http.Request) (Found, bool) {
	root, err := f.root.Of(r)
	if err != nil {
		return Found{}, false
	}
	var best Found
	var known fs.FileInfo
	for i, file := range f.files {
		found, name, ok := file.at(root, r)
		if !ok {
			continue
		}
		found.Index = i
		if f.last && i == len(f.files)-1 {
			return found, true
		}
		info, err := os.Stat(name)
		if err != nil || info.IsDir() != file.dir {
			continue
		}
		if f.better == nil {
			return found, true
		}
		if known == nil || f.better(known, info) {
			best, known = found, info
		}
	}
	return best, known != nil
}

// at is the file below root.
func (t tried) at(root string, r *http.Request) (Found, string, bool) {
	relative := path.Clean("/" + t.path.Expand(r))
	name, err := within(root, relative)
	if err != nil {
		return Found{}, "", false
	}
	if t.dir && relative != "/" {
		relative += "/"
	}
	return Found{Relative: relative, absolute: filepath.ToSlash(name), dir: t.dir}, name, true
}

// Match reports whether a file is there, and keeps it for {file_match.relative}
// and the other placeholders.
func (f *Finder) Match(r *http.Request) bool {
	found, ok := f.Find(r)
	if ok {
		found.Keep(r)
	}
	return ok
}

// Keep gives {file_match.…} their values.
func (f Found) Keep(r *http.Request) {
	state := request.Of(r)
	kind, absolute := "file", f.absolute
	if f.dir {
		kind = "directory"
		absolute = strings.TrimSuffix(absolute, "/") + "/"
	}
	state.SetVar("http.matchers.file.relative", f.Relative)
	state.SetVar("http.matchers.file.absolute", absolute)
	state.SetVar("http.matchers.file.type", kind)
	state.SetVar("http.matchers.file.remainder", "")
}
