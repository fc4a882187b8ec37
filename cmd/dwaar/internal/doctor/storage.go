package doctor

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/tlsstore/storage"
)

// scratch begins the one key that is written, and the lock that is taken: another one for
// each run, below no prefix that would be left.
const scratch = "doctor-"

// slowDisk is how long one small write may take before a person should look.
const slowDisk = time.Second

// storage tries what certificates and staples are kept in.
func (e *examination) storage(ctx context.Context) []Finding {
	cfg := e.Inspection.Config
	if cfg == nil {
		return nil
	}
	if cfg.Storage.Shared != nil {
		return e.shared(ctx)
	}
	dir := e.storageDir()
	if !e.storageIsThere() {
		return nil // which has been told as a directory
	}
	what := "storage"
	files, err := storage.NewFileSystem(dir)
	if err != nil {
		return []Finding{fail(what, "%v", err)}
	}
	began := time.Now()
	if err := tryStorage(ctx, files); err != nil {
		return []Finding{fail(what, "%v", err)}
	}
	if took := time.Since(began); took > slowDisk {
		return []Finding{warn(what, "a key was written to %s, read and removed, but that took %v: the disk is slow", dir, took.Round(time.Millisecond))}
	}
	return []Finding{ok(what, "a key was written to %s, read and removed, under a lock", dir)}
}

func (e *examination) storageDir() string {
	if cfg := e.Inspection.Config; cfg != nil {
		return cmp.Or(cfg.Storage.Directory, e.DataDir)
	}
	return e.DataDir
}

// storageIsThere reports whether there is a directory that may be written to without harm.
func (e *examination) storageIsThere() bool {
	info, err := os.Stat(e.storageDir())
	if err != nil || !info.IsDir() || writable(e.storageDir()) != nil {
		return false
	}
	_, own := ownerOf(info)
	return own
}

// tryStorage writes a key as those of certificates are written, reads it and removes it.
func tryStorage(ctx context.Context, s storage.Storage) (err error) {
	key, value := scratch+rand.Text(), []byte(rand.Text())
	if err := s.Lock(ctx, key); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Unlock(ctx, key)) }()
	if err := s.Store(storage.Under(ctx, key), key, value); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Delete(context.WithoutCancel(ctx), key)) }()
	got, err := s.Load(ctx, key)
	if err == nil && !bytes.Equal(got, value) {
		err = fmt.Errorf("what was written to %s is not what is read", key)
	}
	return err
}

// shared asks the storage of a cluster, and changes nothing there.
func (e *examination) shared(ctx context.Context) []Finding {
	cfg := e.Inspection.Cluster()
	what, log := "storage "+cfg.Redis.URL.Resolved(), &remarks{}
	if err := cluster.Probe(ctx, cfg, slog.New(log)); err != nil {
		return []Finding{fail(what, "%v", err)}
	}
	found := []Finding{ok(what, "answers, takes writes, and its keys are this node's")}
	for _, remark := range log.all {
		found = append(found, warn(what, "%s", remark))
	}
	return found
}

// open is what certificates are kept in, if it can be looked at.
func (e *examination) open() (s storage.Storage, done func(), err error) {
	switch cfg := e.Inspection.Config; {
	case cfg == nil:
		return nil, nil, errNotThere
	case cfg.Storage.Shared != nil:
		return cluster.Direct(e.Inspection.Cluster())
	case !e.storageIsThere():
		return nil, nil, errNotThere
	}
	s, err = storage.NewFileSystem(e.storageDir())
	return s, func() {}, err
}

// errNotThere says that there is nothing to look into, which another check tells.
var errNotThere = errors.New("there is no storage")
