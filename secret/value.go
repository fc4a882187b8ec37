// Package secret is for passwords and keys that a configuration writes out or, better, says
// where they are.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// Value is a secret, or where it is:
//
//	env:NAME               what an environment variable holds
//	file:/run/secrets/key  what a file holds
//
// and any other text is the secret itself. Printed, logged or marshalled it is REDACTED, but
// where a secret is may be seen.
type Value string

const (
	inEnvironment = "env:"
	inFile        = "file:"
	redacted      = "REDACTED"
)

// WrittenOut reports whether the text itself is the secret.
func (v Value) WrittenOut() bool {
	return v != "" && !strings.HasPrefix(string(v), inEnvironment) && !strings.HasPrefix(string(v), inFile)
}

// String says where the secret is, and nothing of one that is written out.
func (v Value) String() string {
	if v.WrittenOut() {
		return redacted
	}
	return string(v)
}

// GoString is String, so that no way of printing tells the secret.
func (v Value) GoString() string { return v.String() }

// MarshalText is String.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// LogValue is String.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

// In returns v with the relative path of a file taken from a directory.
func (v Value) In(dir string) Value {
	path, found := strings.CutPrefix(string(v), inFile)
	if !found || path == "" || filepath.IsAbs(path) {
		return v
	}
	return Value(inFile + filepath.Join(dir, path))
}

// File is the path of the file that holds the secret, if one does.
func (v Value) File() (path string, ok bool) { return strings.CutPrefix(string(v), inFile) }

// Check returns what is wrong with the text. It reads nothing.
func (v Value) Check() error {
	if v == inEnvironment || v == inFile {
		return fmt.Errorf("%s names nothing: write env:NAME or file:PATH", v)
	}
	return nil
}

// maxFile is how many octets of a file are read.
const maxFile = 64 << 10

// Read returns the secret, without white space around one that is elsewhere. No error tells it.
func (v Value) Read() (string, error) {
	if err := v.Check(); err != nil {
		return "", err
	}
	if name, ok := strings.CutPrefix(string(v), inEnvironment); ok {
		return v.found(os.Getenv(name), "the environment variable is not set")
	}
	if path, ok := v.File(); ok {
		text, err := readFile(path)
		if err != nil {
			return "", err
		}
		return v.found(text, "the file is empty")
	}
	return string(v), nil
}

func (v Value) found(text, otherwise string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", fmt.Errorf("%s: %s", v, otherwise)
	}
	return text, nil
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: it is over %d octets", path, maxFile)
	}
	return string(text), err
}
