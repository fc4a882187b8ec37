package respstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dwaar/ocspsvc/respstore"
	"dwaar/tlsstore/storage"
)

func leaf(name string) respstore.Fingerprint { return sha256.Sum256([]byte(name)) }

func record(name string, refreshed time.Time) respstore.Record {
	return respstore.Record{Leaf: leaf(name), Response: []byte("response of " + name), LastRefresh: refreshed}
}

func open(t *testing.T, dir string) *respstore.Store {
	t.Helper()
	disk, err := storage.NewFileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	return respstore.New(disk, quiet(t))
}

func quiet(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func put(t *testing.T, s *respstore.Store, r respstore.Record) {
	t.Helper()
	if err := s.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func path(dir, name string) string {
	l := leaf(name)
	return filepath.Join(dir, "ocsp", hex.EncodeToString(l[:]))
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(path(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func nobody(respstore.Fingerprint) bool { return false }

var errDisk = errors.New("input/output error")

// brokenDisk fails at everything but listing keys, if it has any.
type brokenDisk struct{ keys []string }

func (brokenDisk) Store(context.Context, string, []byte) error { return errDisk }
func (brokenDisk) Delete(context.Context, string) error        { return errDisk }

func (d brokenDisk) Load(context.Context, string) ([]byte, error) {
	return []byte("dwaar staple 1\ndamaged"), nil
}

func (d brokenDisk) List(context.Context, string, bool) ([]string, error) {
	if d.keys == nil {
		return nil, errDisk
	}
	return d.keys, nil
}

// memoryDisk is a disk without a disk.
type memoryDisk map[string][]byte

func (d memoryDisk) Store(_ context.Context, key string, value []byte) error {
	d[key] = bytes.Clone(value)
	return nil
}

func (d memoryDisk) Load(_ context.Context, key string) ([]byte, error) {
	if value, ok := d[key]; ok {
		return value, nil
	}
	return nil, fs.ErrNotExist
}

func (d memoryDisk) Delete(_ context.Context, key string) error {
	delete(d, key)
	return nil
}

func (d memoryDisk) List(context.Context, string, bool) ([]string, error) { return nil, nil }

// hungDisk does not come back from a write before it is released.
type hungDisk struct {
	memoryDisk
	release chan struct{}
}

func (d hungDisk) Store(ctx context.Context, key string, value []byte) error {
	<-d.release
	return d.memoryDisk.Store(ctx, key, value)
}
