package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// again is how long a rotation that did not succeed is not tried again.
const again = time.Minute

// File is an open log. It is used by one goroutine at a time, and so is its
// path by one File: another one for it may be open, but not written to, before
// this one is closed.
type File struct {
	path    string
	options Options
	mode    fs.FileMode
	report  func(error) // of what went wrong in the background

	file     *os.File
	size     int64
	written  time.Time // last
	rolls    bool      // it is a regular file, and to be rotated
	begun    bool      // something was written through this File
	torn     bool      // the last line is not whole
	failedAt time.Time // when a rotation failed

	tidying atomic.Bool
	stop    atomic.Bool
	work    sync.WaitGroup
}

// Open opens path to append to it, and makes it if it is not there. What goes
// wrong with rotation is told to report, from any goroutine; the log goes on.
func Open(path string, options Options, report func(error)) (*File, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	f := &File{path: path, options: options.withDefaults(), report: report}
	f.mode, _ = options.mode() // was checked
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// open opens path anew.
func (f *File) open() error {
	// Without O_NONBLOCK opening a named pipe would wait for its reader.
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, f.mode)
	if errors.Is(err, syscall.ENXIO) {
		return fmt.Errorf("%s: nobody reads from this pipe", f.path)
	}
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return err
	}
	f.file, f.size, f.written = file, info.Size(), info.ModTime()
	f.rolls = info.Mode().IsRegular() && !f.options.RollDisabled
	return nil
}

// Write appends p, which is whole lines, to the file; a file that is full or
// old gives way to a new one first.
func (f *File) Write(p []byte) (int, error) {
	now := time.Now()
	f.begin()
	if f.due(now, int64(len(p))) {
		f.rotate(now)
	}
	if f.torn { // end what a full disk has cut
		if _, err := f.file.WriteString("\n"); err != nil {
			return 0, err
		}
		f.torn = false
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	f.written = now
	f.torn = n > 0 && n < len(p) && p[n-1] != '\n'
	return n, err
}

// begin makes sure that the file is the one at the path: between the opening
// and the first line another File for it may have rotated.
func (f *File) begin() {
	if f.begun {
		return
	}
	f.begun = true
	if f.rolls {
		f.follow()
		f.tidyLater()
	}
}

// follow opens the path again if it has become another file.
func (f *File) follow() {
	if f.ours() {
		return
	}
	old := f.file
	if err := f.open(); err != nil {
		f.report(err)
		return
	}
	_ = old.Close()
}

// ours reports whether the path still leads to the open file.
func (f *File) ours() bool {
	there, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	here, err := f.file.Stat()
	return err == nil && os.SameFile(there, here)
}

// due says whether the file has to give way before so many bytes more.
func (f *File) due(now time.Time, more int64) bool {
	if !f.rolls || f.size == 0 || now.Sub(f.failedAt) < again {
		return false
	}
	if f.size+more > f.options.RollSize {
		return true
	}
	every := f.options.RollInterval
	return every > 0 && now.UTC().Truncate(every).After(f.written.UTC())
}

// rotate gives the file the name of an old one and begins another. If that
// fails, the log stays in the file it is in.
func (f *File) rotate(now time.Time) {
	if err := f.exchange(now); err != nil {
		f.failedAt = now
		f.report(fmt.Errorf("rotating %s: %w", f.path, err))
		return
	}
	f.tidyLater()
}

func (f *File) exchange(now time.Time) error {
	if !f.ours() { // somebody else has rotated it
		old := f.file
		if err := f.open(); err != nil {
			return err
		}
		return old.Close()
	}
	name, err := f.backup(now)
	if err != nil {
		return err
	}
	if err := os.Rename(f.path, name); err != nil {
		return err
	}
	old := f.file
	if err := f.open(); err != nil {
		return errors.Join(err, os.Rename(name, f.path))
	}
	return old.Close()
}

// Close ends what goes on in the background, for the next File of the path to
// go on with, and closes the file.
func (f *File) Close() error {
	f.stop.Store(true)
	f.work.Wait()
	return f.file.Close()
}
