package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// List implements Storage.
func (f *FileSystem) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	keys, err := f.list(ctx, prefix, recursive)
	if err != nil {
		return nil, fmt.Errorf("listing %q: %w", prefix, err)
	}
	slices.Sort(keys) // by key: a directory is not where its name with a slash would be
	return keys, nil
}

func (f *FileSystem) list(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	clean, err := Clean(prefix)
	if err != nil {
		return nil, err
	}
	keys, err := f.walk(ctx, nil, filepath.Join(f.root, filepath.FromSlash(clean)), recursive)
	switch {
	case clean == "" && errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case len(keys) == 0 && clean != "":
		return nil, fs.ErrNotExist
	}
	return keys, nil
}

// walk appends what is under dir. A directory in which no key is left is not there, and
// neither is one that vanishes meanwhile.
func (f *FileSystem) walk(ctx context.Context, keys []string, dir string, recursive bool) ([]string, error) {
	found, err := visible(dir)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return keys, err
	}
	for _, entry := range found {
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() && recursive {
			keys, err = f.walk(ctx, keys, path, true)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		} else if !entry.IsDir() || holdsKeys(path) {
			keys = append(keys, f.key(path))
		}
	}
	return keys, nil
}

// holdsKeys reports whether there is a key anywhere under dir.
func holdsKeys(dir string) bool {
	found, _ := visible(dir)
	return slices.ContainsFunc(found, func(e fs.DirEntry) bool {
		return !e.IsDir() || holdsKeys(filepath.Join(dir, e.Name()))
	})
}

// visible returns what keys can name in a directory: nothing that begins with a dot, and no
// symbolic link, so that a walk ends.
func visible(dir string) ([]fs.DirEntry, error) {
	all, err := os.ReadDir(dir)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), ".") || e.Type()&fs.ModeSymlink != 0
	}), notExist(err)
}
