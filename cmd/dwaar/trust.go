package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"dwaar/acme/localca"
	"dwaar/cmd/dwaar/internal/demo"
	"dwaar/tlsstore/storage"
)

type trustCmd struct {
	dataFlag
	DryRun bool `help:"Print what would be done; do nothing."`
}

func (trustCmd) Help() string {
	return `Installs the root of dwaar's local CA, which certifies localhost and other local names, into the system's store (Debian's way: /usr/local/share/ca-certificates and update-ca-certificates), so that programs on this machine trust it. Browsers with a store of their own, such as Firefox, need it imported by hand. The CA is made if there is none yet; dwaar need not run. Where the Dwaarfile says ` + "`storage file_system DIR`" + `, give --data DIR.`
}

func (c trustCmd) Run(a *app) error {
	store := debianStore(a, c.DryRun)
	data, err := c.dir()
	if err == nil {
		err = store.check("trust", data)
	}
	if err != nil {
		return err
	}
	return store.trust(context.Background(), data)
}

// trust installs the root of the data directory's CA, which it makes if need be. It may be
// repeated: a run that was interrupted is completed.
func (s trustStore) trust(ctx context.Context, data string) error {
	root, err := findLocalRoot(ctx, data)
	if errors.Is(err, fs.ErrNotExist) {
		if s.dryRun {
			return s.tellMaking(data)
		}
		root, err = makeLocalRoot(ctx, data)
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
func (s trustStore) tellMaking(data string) error {
	if err := mayMakeIn(data); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "would make a local CA in %s\n", filepath.Join(data, "pki", "local"))
	fmt.Fprintf(s.stdout, "would write %s\n", filepath.Join(s.dir, rootFile("FINGERPRINT")))
	return s.update(context.Background())
}

// findLocalRoot is the root (PEM) of the CA in a data directory; without one the error is
// fs.ErrNotExist, and nothing is made.
func findLocalRoot(ctx context.Context, data string) ([]byte, error) {
	if !exists(filepath.Join(data, "pki", "local")) {
		return nil, fmt.Errorf("no local CA in %s: %w", data, fs.ErrNotExist)
	}
	ca, err := openLocalCA(data)
	if err != nil {
		return nil, err
	}
	return ca.FindRoot(ctx)
}

func makeLocalRoot(ctx context.Context, data string) ([]byte, error) {
	if err := mayMakeIn(data); err != nil {
		return nil, err
	}
	ca, err := openLocalCA(data)
	if err != nil {
		return nil, err
	}
	return ca.Root(ctx)
}

func openLocalCA(data string) (*localca.CA, error) {
	files, err := storage.NewFileSystem(data)
	if err != nil {
		return nil, err
	}
	return localca.New(files, slog.New(slog.DiscardHandler)), nil
}

// asRoot is the command line that does with all rights what was asked for: sudo changes
// $HOME, and with it where the data is looked for.
func asRoot(command, data string) string {
	return fmt.Sprintf("sudo %s %s --data %s", selfCommand(), command, demo.QuoteShell(data))
}
