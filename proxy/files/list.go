package files

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxListed bounds what is read of a directory.
const maxListed = 10_000

// item is one line of a listing, as its JSON shows it.
type item struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	URL      string    `json:"url"`
	Modified time.Time `json:"mod_time"`
	Mode     uint32    `json:"mode"`
	IsDir    bool      `json:"is_dir"`
	IsLink   bool      `json:"is_symlink"`
}

// listing is a directory as it is shown.
type listing struct {
	path  string // of the URL
	items []item
	read  int  // entries
	cut   bool // there are more than that
}

// list answers with the entries of a directory, as a page, or as JSON for
// clients that ask for it.
func (s *Server) list(w http.ResponseWriter, r *http.Request, t target) error {
	l, err := s.read(r, t)
	if err != nil {
		return err
	}
	l.sort(r.URL.Query().Get("sort"), r.URL.Query().Get("order"))
	header := w.Header()
	header.Add("Vary", "Accept")
	var body []byte
	if strings.Contains(strings.ToLower(r.Header.Get("Accept")), "application/json") {
		header.Set("Content-Type", "application/json")
		if body, err = json.Marshal(l.items); err != nil {
			return err
		}
	} else {
		header.Set("Content-Type", pageType)
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		body = l.page()
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
	return nil
}

// read reads the entries of a directory that clients may see, at most
// s.listed of them.
func (s *Server) read(r *http.Request, t target) (*listing, error) {
	dir, err := os.Open(t.name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(s.listed + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	l := &listing{path: r.URL.Path, items: []item{}, read: min(len(entries), s.listed), cut: len(entries) > s.listed}
	for _, entry := range entries[:min(len(entries), s.listed)] {
		if shown, ok := s.item(t, entry); ok {
			l.items = append(l.items, shown)
		}
	}
	return l, nil
}

// item describes an entry, and what it leads to if it is a link. Hidden ones
// are not there, and neither is what would not be served.
func (s *Server) item(t target, entry fs.DirEntry) (item, bool) {
	name := filepath.Join(t.name, entry.Name())
	if s.hidden.has(t.root, name) {
		return item{}, false
	}
	isLink := entry.Type()&fs.ModeSymlink != 0
	info, err := entry.Info()
	if isLink {
		info, err = os.Stat(name)
	}
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		return item{}, false
	}
	shown := item{
		Name: entry.Name(), Size: info.Size(), Modified: info.ModTime().UTC(), Mode: uint32(info.Mode()),
		IsDir: info.IsDir(), IsLink: isLink,
	}
	if shown.IsDir {
		shown.Name += "/"
	}
	// With ./ before it, a colon in the name is no scheme.
	shown.URL = "./" + strings.TrimPrefix((&url.URL{Path: "./" + shown.Name}).String(), "./")
	return shown, true
}

// sort puts directories first, unless it is asked to go by size or time.
func (l *listing) sort(by, order string) {
	compare := func(a, b item) int {
		if a.IsDir != b.IsDir {
			if a.IsDir {
				return -1
			}
			return 1
		}
		return byName(a, b)
	}
	switch by {
	case "name":
		compare = byName
	case "size":
		compare = func(a, b item) int { return cmp.Or(cmp.Compare(a.Size, b.Size), byName(a, b)) }
	case "time":
		compare = func(a, b item) int { return cmp.Or(a.Modified.Compare(b.Modified), byName(a, b)) }
	}
	slices.SortFunc(l.items, compare)
	if order == "desc" {
		slices.Reverse(l.items)
	}
}

func byName(a, b item) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name))
}
