package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

type trustCmd struct {
	rootFlags
	DryRun bool `help:"Print what would be done; do nothing."`
}

func (trustCmd) Help() string {
	return `Installs the root of dwaar's local CA, which certifies localhost and other local names, into the system's store (Debian's way: /usr/local/share/ca-certificates and update-ca-certificates), so that programs on this machine trust it. Browsers with a store of their own, such as Firefox, need it imported by hand. The CA is made if there is none yet; dwaar need not run. Where the Dwaarfile has the option ` + "`storage`" + `, give --config.`
}

func (c trustCmd) Run(a *app) error {
	return c.with(a, c.DryRun, "trust", trustStore.trust)
}

// with does something about the root of the CA that the flags name.
func (c rootFlags) with(a *app, dryRun bool, command string, do func(trustStore, context.Context, localRoot) error) error {
	ctx, store := context.Background(), debianStore(a, dryRun)
	root, done, err := c.find()
	if err != nil {
		return err
	}
	defer done()
	if err := store.check(command, root); err != nil {
		return err
	}
	return do(store, ctx, root)
}

// trust installs the root of a local CA, which it makes if need be. It may be
// repeated: a run that was interrupted is completed.
func (s trustStore) trust(ctx context.Context, local localRoot) error {
	root, err := local.read(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		if s.dryRun {
			return s.tellMaking(local)
		}
		root, err = local.make(ctx)
	}
	if err != nil {
		return err
	}
	path, err := s.path(root)
	if err != nil {
		return err
	}
	if err := s.write(path, root); err != nil {
		return err
	}
	return s.update(ctx)
}

// tellMaking is the dry run where there is no CA yet.
func (s trustStore) tellMaking(local localRoot) error {
	if err := local.mayMake(); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "would make a local CA: %s\n", local.file())
	fmt.Fprintf(s.stdout, "would write %s\n", filepath.Join(s.dir, rootFile("FINGERPRINT")))
	return s.update(context.Background())
}
