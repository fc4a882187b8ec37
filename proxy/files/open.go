package files

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"syscall"
)

var errSpecial = errors.New("neither a file nor a directory")

// openRegular opens a file and nothing else: a FIFO would wait for a writer,
// and a device may do anything. What is asked for is a file a moment before it
// is opened, and when it is open.
func openRegular(name string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errSpecial
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// isMissing holds for errors that say there is no such file.
func isMissing(err error) bool {
	for _, missing := range []error{fs.ErrNotExist, errNotLocal, errBadRoot, errSpecial, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EINVAL} {
		if errors.Is(err, missing) {
			return true
		}
	}
	return false
}

// statusOf is what a client is told of an error.
func statusOf(err error) int {
	switch {
	case isMissing(err):
		return http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
