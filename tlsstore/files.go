package tlsstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxFile bounds a certificate or key file, in bytes.
const maxFile = 1 << 20

// files is where a pair was read from, and what the files looked like then.
type files struct {
	Files
	stamp stamp
}

// stamp tells one state of a pair's files from another. No files that can be read have the
// zero stamp.
type stamp struct{ cert, key fileStamp }

// fileStamp is of the file at the end of all symbolic links, so that a link swapped anywhere
// on the path shows.
type fileStamp struct {
	dev, inode uint64
	size       int64
	modified   int64 // ns
}

// fresh is how old a file must be for its stamp to be trusted: two writes within the clock
// tick of a file system leave the same one.
const fresh = time.Second

// readFiles reads a pair's files, at most maxFile bytes each.
func readFiles(certFile, keyFile string) (from *files, certPEM, keyPEM []byte, err error) {
	now := time.Now()
	from = &files{Files: Files{certFile, keyFile}}
	if certPEM, from.stamp.cert, err = readFile(certFile); err != nil {
		return nil, nil, nil, fmt.Errorf("certificate file %s: %w", certFile, err)
	}
	if keyPEM, from.stamp.key, err = readFile(keyFile); err != nil {
		return nil, nil, nil, fmt.Errorf("key file %s: %w", keyFile, err)
	}
	if from.stamp.cert.isFresh(now) || from.stamp.key.isFresh(now) {
		from.stamp = stamp{} // the watcher reads it once more
	}
	return from, certPEM, keyPEM, nil
}

// readFile returns a file's content and the stamp it had before it was read.
func readFile(path string) ([]byte, fileStamp, error) {
	// A named pipe would block the open; looking first is enough against a mistake.
	if info, err := os.Stat(path); err != nil {
		return nil, fileStamp{}, explain(err)
	} else if !info.Mode().IsRegular() {
		return nil, fileStamp{}, fmt.Errorf("it is not a regular file but %s", info.Mode().Type())
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fileStamp{}, explain(err)
	}
	defer file.Close()
	var info unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &info); err != nil {
		return nil, fileStamp{}, explain(err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fileStamp{}, explain(err)
	}
	if len(data) > maxFile {
		return nil, fileStamp{}, errors.New("it is over the limit of 1 MiB; is it the right file?")
	}
	return data, stampOf(&info), nil
}

// explain says what to do about a file that cannot be read.
func explain(err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		err = path.Err // the caller names the file
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("it does not exist: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("it cannot be read by this user; change its owner or mode: %w", err)
	}
	return fmt.Errorf("reading it: %w", err)
}

// look returns the stamp the files have now; zero if one of them is not there.
func (f *files) look() (now stamp) {
	var ok bool
	if now.cert, ok = lookAt(f.Cert); !ok {
		return stamp{}
	}
	now.key = now.cert
	if f.Key != f.Cert {
		if now.key, ok = lookAt(f.Key); !ok {
			return stamp{}
		}
	}
	return now
}

// lookAt asks the system itself: os.Stat would make 256 bytes of garbage, for
// each file each second.
func lookAt(path string) (fileStamp, bool) {
	var info unix.Stat_t
	for {
		switch err := unix.Stat(path, &info); err {
		case nil:
			return stampOf(&info), true
		case unix.EINTR: // a network file system
		default:
			return fileStamp{}, false
		}
	}
}

func stampOf(info *unix.Stat_t) fileStamp {
	return fileStamp{dev: uint64(info.Dev), inode: info.Ino, size: info.Size, modified: info.Mtim.Nano()}
}

func (s fileStamp) isFresh(now time.Time) bool {
	age := now.UnixNano() - s.modified
	return 0 <= age && age < int64(fresh)
}
