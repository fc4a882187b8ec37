package storage

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockDir holds one empty file for each lock that is held.
const lockDir = ".locks"

// A waiting Lock looks again after lockPoll, then after twice that, up to lockPollMax.
const (
	lockPoll    = 10 * time.Millisecond
	lockPollMax = 250 * time.Millisecond
)

// Lock implements Locker. The lock is the kernel's on an open file (flock), so it is free the
// moment its holder dies: no lease to renew, no clock to trust.
func (f *FileSystem) Lock(ctx context.Context, name string) error {
	for wait := lockPoll; ; wait = min(2*wait, lockPollMax) {
		ok, err := f.TryLock(ctx, name)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("locking %s: %w", name, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// TryLock implements Locker.
func (f *FileSystem) TryLock(ctx context.Context, name string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	path, err := f.lockPath(name)
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	file, err := lockFile(path)
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	if file == nil {
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locks[path] = file
	return true, nil
}

// Unlock implements Locker. It works under a context that is done: a shutdown must not keep
// its locks.
func (f *FileSystem) Unlock(_ context.Context, name string) error {
	path, err := f.lockPath(name)
	if err != nil {
		return fmt.Errorf("unlocking %s: %w", name, err)
	}
	f.mu.Lock()
	file := f.locks[path]
	delete(f.locks, path)
	f.mu.Unlock()
	if file == nil {
		return fmt.Errorf("unlocking %s: %w", name, ErrNotLocked)
	}
	// Removed while it is still ours; whoever opened it meanwhile sees that by its name.
	err = os.Remove(path)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("unlocking %s: %w", name, err)
	}
	return nil
}

// holds returns ErrNotLocked unless all of these locks are ours. That cannot change while we
// live: what the kernel has locked for us nobody takes away.
func (f *FileSystem) holds(names []string) error {
	for _, name := range names {
		path, err := f.lockPath(name)
		if err != nil {
			return err
		}
		f.mu.Lock()
		held := f.locks[path] != nil
		f.mu.Unlock()
		if !held {
			return fmt.Errorf("under the lock %s: %w", name, ErrNotLocked)
		}
	}
	return nil
}

func (f *FileSystem) lockPath(name string) (string, error) {
	clean, err := Clean(name)
	if err != nil {
		return "", err
	}
	if clean == "" {
		return "", errors.New("the name is empty")
	}
	return filepath.Join(f.root, lockDir, url.PathEscape(clean)), nil
}

// lockFile opens and locks a file, or returns nil if somebody else has it locked.
func lockFile(path string) (*os.File, error) {
	if err := makeDirs(filepath.Dir(path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := tryFlock(file)
	if ok && names(path, file) {
		return file, nil
	}
	file.Close()
	return nil, err
}

// names reports whether path still leads to file: the holder before us removes it.
func names(path string, file *os.File) bool {
	byName, err := os.Stat(path)
	if err != nil {
		return false
	}
	open, err := file.Stat()
	return err == nil && os.SameFile(byName, open)
}

// tryFlock locks an open file if nobody else has.
func tryFlock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
