package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"dwaar/acme/localca"
	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/cmd/dwaar/internal/demo"
	"dwaar/proxy/config"
	"dwaar/tlsstore/storage"
)

// rootFlags say where the local CA is.
type rootFlags struct {
	dataFlag
	Config string `short:"c" placeholder:"FILE" type:"file" help:"The Dwaarfile that says where the storage is, if that is not the data directory."`
}

// localRoot is the root of a local CA, where it is kept.
type localRoot struct {
	flags  string          // that say so
	dir    string          // the directory it is kept in
	shared storage.Storage // or, if that is not nil, what several dwaars share
	where  string          // for people
}

// localRootIn is one that is kept in a directory.
func localRootIn(dir string) localRoot {
	return localRoot{flags: "--data " + demo.QuoteShell(dir), dir: dir, where: dir}
}

// find returns where the local CA is, and how to let go of that.
func (c rootFlags) find() (r localRoot, done func(), err error) {
	done = func() {}
	data, err := c.dir()
	if err != nil {
		return r, done, err
	}
	r = localRootIn(data)
	if c.Config == "" {
		return r, done, shares(data)
	}
	path, err := filepath.Abs(c.Config)
	if err != nil {
		return r, done, err
	}
	r.flags += " --config " + demo.QuoteShell(path)
	cfg, err := config.Load(path, os.LookupEnv)
	switch {
	case err != nil:
		return r, done, badDwaarfile(c.Config+" is not valid", err)
	case cfg.Storage.Shared != nil:
		return r.in(*cfg.Storage.Shared)
	case cfg.Storage.Directory != "":
		r.dir, r.where = cfg.Storage.Directory, cfg.Storage.Directory
	}
	return r, done, nil
}

// shares refuses a data directory that has a copy of what is elsewhere.
func shares(data string) error {
	if exists(filepath.Join(data, cluster.Replica)) {
		return fmt.Errorf("the dwaar of %s shares its storage, and the local CA is there: give --config DWAARFILE", data)
	}
	return nil
}

// in is r in a storage that is shared: in itself, not in the copy, which belongs
// to the dwaar that writes it.
func (r localRoot) in(s config.SharedStorage) (localRoot, func(), error) {
	shared, done, err := cluster.Direct(cluster.Config{Redis: s.Config, EncryptionKeys: s.EncryptionKeys, Plaintext: s.Plaintext})
	r.shared, r.where = shared, s.URL.Resolved()
	return r, done, err
}

// ca is the CA, which need not be there.
func (r localRoot) ca() (*localca.CA, error) {
	kept := r.shared
	if kept == nil {
		files, err := storage.NewFileSystem(r.dir)
		if err != nil {
			return nil, err
		}
		kept = files
	}
	return localca.New(kept, slog.New(slog.DiscardHandler)), nil
}

// read is the root (PEM); without a CA the error is fs.ErrNotExist, and nothing is made.
func (r localRoot) read(ctx context.Context) ([]byte, error) {
	if r.shared == nil && !exists(filepath.Join(r.dir, "pki", "local")) {
		return nil, fmt.Errorf("no local CA in %s: %w", r.where, fs.ErrNotExist)
	}
	ca, err := r.ca()
	if err != nil {
		return nil, err
	}
	return ca.FindRoot(ctx)
}

// make makes the CA.
func (r localRoot) make(ctx context.Context) ([]byte, error) {
	if err := r.mayMake(); err != nil {
		return nil, err
	}
	ca, err := r.ca()
	if err != nil {
		return nil, err
	}
	return ca.Root(ctx)
}

// mayMake refuses to make files where another user's dwaar could not read them.
func (r localRoot) mayMake() error {
	if r.shared != nil {
		return nil
	}
	return mayMakeIn(r.dir)
}

// file is where the root is.
func (r localRoot) file() string {
	if r.shared != nil {
		return "pki/local/root.crt in " + r.where
	}
	return filepath.Join(r.dir, "pki", "local", "root.crt")
}

// asRoot is the command line that does with all rights what was asked for: sudo changes
// $HOME, and with it where the data is looked for.
func (r localRoot) asRoot(command string) string {
	return fmt.Sprintf("sudo %s %s %s", selfCommand(), command, r.flags)
}
