package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stagingDir holds the files being written. One directory for all makes leftovers cheap to
// find; it must be on the file system of the keys, as a rename does not cross.
const stagingDir = ".staging"

// attempts bounds how often a write starts again because a directory, or its staged file,
// was deleted under it.
const attempts = 5

// write puts value at path. A crash at any point leaves the old file or the new one: the
// value is complete on disk under another name before one rename makes it visible, and the
// rename itself is on disk before write returns.
func (f *FileSystem) write(path string, value []byte, modified time.Time) error {
	var err error
	for range attempts {
		if err = f.writeOnce(path, value, modified); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

func (f *FileSystem) writeOnce(path string, value []byte, modified time.Time) error {
	dir := filepath.Dir(path)
	if err := errors.Join(makeDirs(dir), makeRoom(path)); err != nil {
		return err
	}
	staged, err := f.stage(value, modified)
	if err != nil {
		return err
	}
	defer staged.Close() // also ends the lock that protects it from removeLeftovers
	if err := os.Rename(staged.Name(), path); err != nil {
		os.Remove(staged.Name())
		return err
	}
	return syncDir(dir)
}

// makeRoom removes the directories that the last key below path has left: an empty prefix is
// none. The kernel keeps one that somebody has put something into meanwhile.
func makeRoom(path string) error {
	if !isDir(path) {
		return nil
	}
	if holdsKeys(path) {
		return errors.New("there are keys below it")
	}
	return removeTree(path)
}

func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeTree(filepath.Join(dir, entry.Name())))
		}
	}
	if err == nil {
		err = syscall.Rmdir(dir) // os.Remove would take a file, too
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// stage writes value to a new file, mode 0600, and puts it on disk. The file is locked while
// it is open, which is how removeLeftovers knows it from a dead writer's.
func (f *FileSystem) stage(value []byte, modified time.Time) (*os.File, error) {
	dir := filepath.Join(f.root, stagingDir)
	if err := makeDirs(dir); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, "*")
	if err != nil {
		return nil, err
	}
	if err := fill(file, value, modified); err != nil {
		file.Close()
		os.Remove(file.Name())
		return nil, err
	}
	return file, nil
}

func fill(file *os.File, value []byte, modified time.Time) error {
	if ok, err := tryFlock(file); err != nil || !ok {
		return fmt.Errorf("locking %s: %w", file.Name(), errors.Join(err, fs.ErrNotExist))
	}
	if _, err := file.Write(value); err != nil {
		return err
	}
	if err := os.Chtimes(file.Name(), time.Time{}, modified); err != nil {
		return err
	}
	return file.Sync()
}

// syncDir puts the names in a directory on disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // EINVAL: nothing to sync here
		return err
	}
	return nil
}

// removeLeftovers deletes the staged files of writers that no longer live.
func removeLeftovers(dir string) error {
	left, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range left {
		if err := removeIfDead(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func removeIfDead(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if dead, err := tryFlock(file); err != nil || !dead {
		return err
	}
	return os.Remove(path)
}
