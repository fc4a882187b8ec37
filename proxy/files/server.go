package files

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"dwaar/proxy/request"
)

// Server answers requests with files.
type Server struct {
	Config
	root   Root
	hidden *hidden
	fail   func(http.ResponseWriter, *http.Request, int, error)
	listed int // entries of a directory at most
}

// New checks and compiles c. What cannot be served is answered by fail.
func New(c Config, fail func(w http.ResponseWriter, r *http.Request, status int, err error)) (*Server, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if len(c.Index) == 0 {
		c.Index = []string{"index.html", "index.txt"}
	}
	root, err := NewRoot(c.Root)
	if err != nil {
		return nil, err
	}
	return &Server{c, root, newHidden(c), fail, maxListed}, nil
}

// Wrap serves files, and leaves requests for what is not there to next if the
// server passes them through.
func (s *Server) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, err := s.find(r)
		if err == nil {
			err = s.answer(w, r, t)
		}
		switch {
		case err == nil:
		case s.PassThru && isMissing(err):
			next.ServeHTTP(w, r)
		default:
			s.refuse(w, r, err)
		}
	})
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	switch {
	case errors.Is(err, errMethod):
		status = http.StatusMethodNotAllowed
		w.Header().Set("Allow", "GET, HEAD")
	case status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10") // too many files are open
	}
	s.fail(w, r, status, err)
}

var errMethod = errors.New("files are only read")

// target is what the path of a request means.
type target struct {
	root, name string
	info       fs.FileInfo
	index      bool // the request is for the directory of name
}

// find looks for the target of r, with the index of a directory in its place.
func (s *Server) find(r *http.Request) (target, error) {
	root, err := s.root.Of(r)
	if err != nil {
		return target{}, err
	}
	t := target{root: root}
	if t.name, err = within(root, r.URL.Path); err != nil {
		return t, err
	}
	if t.info, err = os.Stat(t.name); err != nil {
		return t, err
	}
	if t.info.IsDir() {
		t = s.indexOf(t)
	}
	if s.hidden.has(root, t.name) {
		return t, fs.ErrNotExist
	}
	return t, nil
}

// indexOf is the file that stands for a directory, or the directory itself.
func (s *Server) indexOf(dir target) target {
	for _, index := range s.Index {
		name := filepath.Join(dir.name, index)
		info, err := os.Stat(name)
		if err == nil && info.Mode().IsRegular() && !s.hidden.has(dir.root, name) {
			return target{dir.root, name, info, true}
		}
	}
	return dir
}

// answer sends a target that is there. An error means that nothing was sent.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, t target) error {
	listing := t.info.IsDir() && s.Browse
	if !listing && !t.info.Mode().IsRegular() {
		return errSpecial
	}
	if to := s.canonical(r, listing || t.index); to != "" {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	failed := request.Of(r).Failure.Status
	if r.Method != http.MethodGet && r.Method != http.MethodHead && failed == 0 {
		return errMethod
	}
	if listing {
		return s.list(w, r, t)
	}
	status := s.Status
	if status == 0 {
		status = failed // an error page has the status of its error
	}
	return s.send(w, r, t, status)
}
