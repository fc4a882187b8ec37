package certdb

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// follower holds what a file says, and reads it again when the file changes.
// While a new content cannot be read the old one stays, with a warning.
//
// A file is looked at when somebody asks, at most every lookAgain, so that it
// needs no goroutine. Whoever finds it changed reads it; the others are answered
// by the old content meanwhile.
type follower[T any] struct {
	path string
	read func(io.Reader) (T, error)
	size func(T) int // fewer than before may be a file that is half written
	log  *slog.Logger

	looking atomic.Bool
	looked  atomic.Int64 // nanoseconds
	current atomic.Pointer[content[T]]
	tried   os.FileInfo // of what could not be read; owned by who is looking
	failing bool        // likewise
}

type content[T any] struct {
	value T
	info  os.FileInfo
	young bool // it was read so soon after it was written that another writing may have the same time
}

const (
	// lookAgain is the least time between two looks at a file.
	lookAgain = 250 * time.Millisecond

	// settled is for how long a file that has become shorter must not have
	// changed to be believed.
	settled = 2 * time.Second

	// maxFile is how many octets a file may have.
	maxFile = 1 << 30
)

// open reads the file for the first time.
func (f *follower[T]) open() error {
	first, err := f.load()
	if err != nil {
		return err
	}
	f.current.Store(first)
	f.looked.Store(time.Now().UnixNano())
	return nil
}

// get returns what the file says, and reads it again if it is time to.
func (f *follower[T]) get() T {
	now := time.Now().UnixNano()
	if now-f.looked.Load() >= int64(lookAgain) && f.looking.CompareAndSwap(false, true) {
		f.look()
		f.looked.Store(now)
		f.looking.Store(false)
	}
	return f.current.Load().value
}

// look reads the file if it is neither the one that is known nor one that could
// not be read.
func (f *follower[T]) look() {
	old := f.current.Load()
	info, err := os.Stat(f.path)
	if err != nil {
		f.fail(nil, err)
		return
	}
	if same(info, old.info) && !old.young || same(info, f.tried) {
		return
	}
	next, err := f.load()
	switch {
	case err != nil:
		f.fail(info, err)
	case f.size(next.value) < f.size(old.value) && time.Since(next.info.ModTime()) < settled: // next time, then
	default:
		f.tried, f.failing = nil, false
		f.current.Store(next)
		if !same(next.info, old.info) {
			f.log.Info("the file has changed and is read", "certificates", f.size(next.value))
		}
	}
}

// fail warns when the trouble begins.
func (f *follower[T]) fail(info os.FileInfo, err error) {
	f.tried = info
	if !f.failing {
		f.log.Warn("the file cannot be read; what it said before stays", "err", err)
	}
	f.failing = true
}

// load reads the file, if it is the same before and after.
func (f *follower[T]) load() (*content[T], error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if before.Size() > maxFile {
		return nil, fmt.Errorf("%s has more than %d octets", f.path, maxFile)
	}
	began := time.Now()
	value, err := f.read(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	if after, err := file.Stat(); err != nil || !same(before, after) {
		return nil, fmt.Errorf("%s is being written", f.path)
	}
	const tick = 100 * time.Millisecond // of file systems
	return &content[T]{value, before, began.Sub(before.ModTime()) < tick}, nil
}

// same reports whether both are the same file with the same content.
func same(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// watch looks at the file until ctx ends, and calls changed when it has changed.
func (f *follower[T]) watch(ctx context.Context, changed func()) error {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	f.get()
	for seen := f.current.Load(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		f.get()
		if now := f.current.Load(); now != seen {
			seen = now
			changed()
		}
	}
}
