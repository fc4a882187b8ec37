package dwaarfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

var errTooLarge = fmt.Errorf("the file is larger than %d MiB", MaxFileSize>>20)

// Source is what a text may reach outside of itself: the environment and
// files. The zero Source has no variable and no file.
type Source struct {
	// Env looks up an environment variable.
	Env func(name string) (value string, set bool)
	// Open opens a file.
	Open func(path string) (fs.File, error)
	// Stat tells what kind of file an import names, before it is opened; nil
	// when every file is regular.
	Stat func(path string) (fs.FileInfo, error)
	// Glob gives the paths that match a pattern of filepath.Match, sorted.
	Glob func(pattern string) ([]string, error)
}

// Disk is the file system of this machine with the environment env.
func Disk(env func(string) (string, bool)) Source {
	return Source{
		Env:  env,
		Open: func(path string) (fs.File, error) { return os.Open(path) },
		Stat: os.Stat,
		Glob: filepath.Glob,
	}
}

// read gives the content of the file at path, at most MaxFileSize of it.
func (s Source) read(path string) (string, error) {
	if s.Open == nil {
		return "", errors.New("there are no files here")
	}
	f, err := s.Open(path)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return "", withoutPath(err)
	}
	if len(text) > MaxFileSize {
		return "", errTooLarge
	}
	return string(text), nil
}

// withoutPath is err without the path, which the position says already.
func withoutPath(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
