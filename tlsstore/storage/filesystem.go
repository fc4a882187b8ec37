package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// FileSystem stores each value as a file under one directory. Directories are made 0700 and
// files 0600. Nothing but keys is visible: half-written files and locks live in directories
// that begin with a dot, which no key can name.
type FileSystem struct {
	root string

	mu    sync.Mutex          // guards locks
	locks map[string]*os.File // by path; the locks we hold
}

// NewFileSystem uses dir, making it if needed, and removes what writers that were killed
// have left half-written in it.
func NewFileSystem(dir string) (*FileSystem, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening storage %s: %w", dir, err)
	}
	if err := makeDirs(root); err != nil {
		return nil, fmt.Errorf("opening storage %s: %w", dir, err)
	}
	if err := removeLeftovers(filepath.Join(root, stagingDir)); err != nil {
		return nil, fmt.Errorf("opening storage %s: removing leftover files: %w", dir, err)
	}
	return &FileSystem{root: root, locks: make(map[string]*os.File)}, nil
}

// Store implements Storage.
func (f *FileSystem) Store(ctx context.Context, key string, value []byte) error {
	path, err := f.path(ctx, key)
	if err == nil {
		err = errors.Join(CheckSize(int64(len(value))), f.holds(Locks(ctx)))
	}
	if err == nil {
		err = CheckReplaced(ctx, func() ([]byte, error) { return f.load(ctx, key) })
	}
	if err == nil {
		err = f.write(path, value, Modified(ctx))
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return nil
}

// Load implements Storage.
func (f *FileSystem) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := f.load(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", key, err)
	}
	return value, nil
}

func (f *FileSystem) load(ctx context.Context, key string) ([]byte, error) {
	path, err := f.path(ctx, key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, notExist(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("it is a prefix: %w", fs.ErrNotExist)
	}
	if err := CheckSize(info.Size()); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, MaxValue))
}

// Delete implements Storage.
func (f *FileSystem) Delete(ctx context.Context, key string) error {
	path, err := f.path(ctx, key)
	if err == nil {
		err = f.holds(Locks(ctx))
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	err = os.RemoveAll(path)
	if err == nil {
		// Only once the directory is on disk a crash cannot bring back, say, a revoked key.
		err = syncDir(filepath.Dir(path))
	}
	if err != nil && !errors.Is(notExist(err), fs.ErrNotExist) {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	return nil
}

// Exists implements Storage.
func (f *FileSystem) Exists(ctx context.Context, key string) (bool, error) {
	_, err := f.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Stat implements Storage.
func (f *FileSystem) Stat(ctx context.Context, key string) (KeyInfo, error) {
	info, err := f.stat(ctx, key)
	if err != nil {
		return KeyInfo{}, fmt.Errorf("describing %s: %w", key, err)
	}
	return info, nil
}

func (f *FileSystem) stat(ctx context.Context, key string) (KeyInfo, error) {
	path, err := f.path(ctx, key)
	if err != nil {
		return KeyInfo{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return KeyInfo{}, notExist(err)
	}
	clean := f.key(path)
	if !info.IsDir() {
		return KeyInfo{Key: clean, Size: info.Size(), Modified: info.ModTime()}, nil
	}
	if !holdsKeys(path) {
		return KeyInfo{}, fs.ErrNotExist
	}
	return KeyInfo{Key: clean, Prefix: true}, nil
}

// path returns the file of a key, unless ctx is done.
func (f *FileSystem) path(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	clean, err := Clean(key)
	if err != nil {
		return "", err
	}
	if clean == "" {
		return "", errors.New("the key is empty")
	}
	return filepath.Join(f.root, filepath.FromSlash(clean)), nil
}

// key is the reverse of path.
func (f *FileSystem) key(path string) string {
	return filepath.ToSlash(strings.TrimPrefix(path, f.root+string(filepath.Separator)))
}

// notExist turns "a component of the path is a file" into fs.ErrNotExist: if "a" is a key,
// there is no key "a/b".
func notExist(err error) error {
	if errors.Is(err, syscall.ENOTDIR) {
		return fs.ErrNotExist
	}
	return err
}

// makeDirs makes dir and its parents, and puts each new name on disk.
func makeDirs(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDirs(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !isDir(dir) {
		return err
	}
	return syncDir(parent)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
