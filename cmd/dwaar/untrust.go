package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

type untrustCmd struct {
	rootFlags
	DryRun bool `help:"Print what would be done; do nothing."`
}

func (untrustCmd) Help() string {
	return `Takes the root of dwaar's local CA out of the system's store again: the one of this data directory, or of the storage that --config names, and nothing else. The CA itself stays.`
}

func (c untrustCmd) Run(a *app) error {
	return c.with(a, c.DryRun, "untrust", trustStore.untrust)
}

// untrust removes what trust has installed for a local CA, if that is still what
// the file holds. Only --fresh takes away the links to it, and Java's copy.
func (s trustStore) untrust(ctx context.Context, local localRoot) error {
	root, err := local.read(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no local CA in %s, so nothing says which root is to go%s", local.where, s.others())
	}
	if err != nil {
		return err
	}
	path, err := s.path(root)
	if err != nil {
		return err
	}
	switch same, err := holds(path, root); {
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(s.stdout, "%s is not there\n", path)
	case err != nil:
		return err
	case !same:
		return fmt.Errorf("%s is not the root of the CA in %s: it stays", path, local.where)
	case s.dryRun:
		fmt.Fprintf(s.stdout, "would remove %s\n", path)
	default:
		if err := os.Remove(path); err != nil {
			return err
		}
		fmt.Fprintf(s.stdout, "removed %s\n", path)
	}
	return s.update(ctx, "--fresh")
}
