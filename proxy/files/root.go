package files

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strings"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

// Root is the directory that paths of requests are resolved in.
type Root struct {
	written string // empty: the variable root
	text    placeholder.Text
}

// RootVar is the variable that the directive root sets.
const RootVar = "root"

var (
	errNoRoot   = errors.New("no root: nothing says which directory is served")
	errBadRoot  = errors.New("a placeholder of the root has a value that leads out of it")
	errNotLocal = errors.New("the path is no path of a file")
)

// NewRoot compiles an absolute path, which may hold placeholders, or begin with
// one whose value is absolute. Empty means
// the directory that the directive root gave the request.
func NewRoot(written string) (Root, error) {
	if written == "" {
		return Root{}, nil
	}
	if filepath.IsAbs(written) {
		written = filepath.Clean(written)
	} else if !strings.HasPrefix(written, "{") {
		return Root{}, fmt.Errorf("%q is not an absolute path", written)
	}
	text, err := placeholder.Compile(written)
	return Root{written, text}, err
}

// Of is the root for a request. A placeholder may bring in no dot segments.
func (d Root) Of(r *http.Request) (string, error) {
	root := ""
	if d.written == "" {
		root, _ = request.Of(r).Var(RootVar)
	} else {
		root = d.text.Expand(r)
	}
	if !filepath.IsAbs(root) {
		return "", errNoRoot
	}
	if strings.Contains(root, "..") || strings.IndexByte(root, 0) >= 0 {
		for segment := range strings.SplitSeq(filepath.ToSlash(root), "/") {
			if segment == ".." || strings.IndexByte(segment, 0) >= 0 {
				return "", errBadRoot
			}
		}
	}
	return filepath.Clean(root), nil
}

// within is the file below root that a path of a URL means.
func within(root, urlPath string) (string, error) {
	if !strings.HasPrefix(urlPath, "/") {
		urlPath = "/" + urlPath
	}
	local := path.Clean(urlPath)[1:]
	if local == "" {
		return root, nil
	}
	name, err := filepath.Localize(local)
	if err != nil {
		return "", errNotLocal
	}
	if root == string(filepath.Separator) {
		return root + name, nil
	}
	return root + string(filepath.Separator) + name, nil
}
