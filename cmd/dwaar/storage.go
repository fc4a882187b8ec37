package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/proxy/config"
	"dwaar/tlsstore/storage"
)

type storageCmd struct {
	Import storageImportCmd `cmd:"" help:"Take what one dwaar has in files into an empty storage that several share."`
}

type storageImportCmd struct {
	configFlag
	From string `arg:"" name:"dir" type:"file" help:"The data directory of the dwaar, or what its storage file_system named."`
}

func (storageImportCmd) Help() string {
	return `The Dwaarfile says where the shared storage is, and which key it is encrypted with. Certificates with their keys, ACME accounts, staples, CRLs, the local CA and the quarantine are copied; nothing in the directory is changed. A storage that is in use already is refused. What was interrupted is gone on with by calling it again.

Stop the dwaar whose files these are before, and start one with the shared storage only after.`
}

func (c storageImportCmd) Run(a *app) error {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return badDwaarfile(c.Config+" is not valid", err)
	}
	shared := cfg.Storage.Shared
	if shared == nil {
		return usage(fmt.Errorf("%s has no `storage redis`, so there is nothing to import into", c.Config))
	}
	if info, err := os.Stat(c.From); err != nil || !info.IsDir() {
		return usage(fmt.Errorf("%s is not a directory", c.From))
	}
	from, err := storage.NewFileSystem(c.From)
	if err != nil {
		return err
	}
	to, done, err := cluster.Direct(cluster.Config{Redis: shared.Config, EncryptionKeys: shared.EncryptionKeys, Plaintext: shared.Plaintext})
	if err != nil {
		return err
	}
	defer done()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var bar *progress
	imported, err := cluster.Import(ctx, to, from, func(done, of int) {
		if bar == nil {
			bar = a.progress(of)
		}
		bar.at(done)
	})
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return fmt.Errorf("importing %s into %s: %w", c.From, shared.URL.Resolved(), err)
	}
	fmt.Fprintf(a.stdout, "%d values imported into %s\n", imported, shared.URL.Resolved())
	return nil
}
