package logfile

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// stamp is the time of a rotation in the name of an old file, in UTC:
	// access-2026-01-02T15-04-05.000.log.
	stamp      = "2006-01-02T15-04-05.000"
	compressed = ".gz"
	unfinished = ".tmp"
)

// old is a file that a log was rotated to.
type old struct {
	path string
	at   time.Time
}

// backup is a name that no old file has yet.
func (f *File) backup(now time.Time) (string, error) {
	for range 1000 {
		name := f.oldName(now)
		if !exists(name) && !exists(name+compressed) {
			return name, nil
		}
		now = now.Add(time.Millisecond)
	}
	return "", errors.New("there are too many files of this second")
}

func (f *File) oldName(at time.Time) string {
	extension := filepath.Ext(f.path)
	return strings.TrimSuffix(f.path, extension) + "-" + at.UTC().Format(stamp) + extension
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// olds are the old files of the log, the newest first.
func (f *File) olds() ([]old, error) {
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		return nil, err
	}
	var list []old
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(f.path), entry.Name())
		if at, ok := f.rotated(path); ok && entry.Type().IsRegular() {
			list = append(list, old{path, at})
		}
	}
	slices.SortFunc(list, func(a, b old) int { return b.at.Compare(a.at) })
	return list, nil
}

// rotated reads the time in the name of an old file of this log.
func (f *File) rotated(path string) (time.Time, bool) {
	extension := filepath.Ext(f.path)
	text, ok := strings.CutPrefix(path, strings.TrimSuffix(f.path, extension)+"-")
	if !ok {
		return time.Time{}, false
	}
	text, ok = strings.CutSuffix(strings.TrimSuffix(text, compressed), extension)
	at, err := time.Parse(stamp, text)
	return at, ok && err == nil
}

// tidyLater looks after the old files, in one goroutine at a time.
func (f *File) tidyLater() {
	if f.tidying.Swap(true) {
		return // what is missed now is seen after the next rotation
	}
	f.work.Go(func() {
		defer f.tidying.Store(false)
		if err := f.tidy(); err != nil {
			f.report(fmt.Errorf("old files of %s: %w", f.path, err))
		}
	})
}

// tidy removes what is too old or too many, and compresses the rest.
func (f *File) tidy() error {
	list, err := f.olds()
	if err != nil {
		return err
	}
	var problems []error
	for i, o := range list {
		switch {
		case f.stop.Load():
			return errors.Join(problems...)
		case i >= f.options.RollKeep || time.Since(o.at) > f.options.RollKeepFor:
			problems = append(problems, os.Remove(o.path))
		case !f.options.RollUncompressed && !strings.HasSuffix(o.path, compressed):
			problems = append(problems, f.compress(o.path))
		}
	}
	return errors.Join(problems...)
}

// compress puts path.gz in the place of path. One that was stopped, or ran into
// a full disk, leaves path as it is.
func (f *File) compress(path string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	half := path + compressed + unfinished
	to, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, f.mode)
	if err != nil {
		return err
	}
	err = errors.Join(f.copy(to, from), to.Close())
	if err == nil {
		err = os.Rename(half, path+compressed)
	}
	if err != nil {
		_ = os.Remove(half)
		if errors.Is(err, errStopped) {
			return nil
		}
		return err
	}
	return os.Remove(path)
}

var errStopped = errors.New("stopped")

// copy copies in pieces, between which it can be stopped.
func (f *File) copy(to *os.File, from io.Reader) error {
	packed := gzip.NewWriter(to)
	for {
		if f.stop.Load() {
			return errStopped
		}
		switch _, err := io.CopyN(packed, from, 256<<10); err {
		case nil:
		case io.EOF:
			return errors.Join(packed.Close(), to.Sync())
		default:
			return err
		}
	}
}
