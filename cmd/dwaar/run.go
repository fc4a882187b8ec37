package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/proxy/config"
)

type runCmd struct {
	configFlag
	dataFlag
	Watch bool `short:"w" help:"Reload when the Dwaarfile changes."`
}

func (runCmd) Help() string {
	return `SIGTERM and SIGINT stop it after its open requests, a second one at once. SIGHUP and SIGUSR1 make it read the Dwaarfile again; a bad one changes nothing.

Under systemd (Type=notify or notify-reload) it tells when it is ready, reloads and stops.`
}

func (c runCmd) Run(a *app) error {
	data, err := c.dir()
	if err != nil {
		return err
	}
	notify := newNotifier()
	srv, err := server.New(server.Options{
		ConfigPath: c.Config, DataDir: data, Version: readBuild().version,
		Stdout: a.stdout, Stderr: a.stderr, Ready: notify.ready, Stopping: notify.stopping,
	})
	if err != nil {
		return badDwaarfile(c.Config+" cannot be served", err)
	}
	slog.SetDefault(srv.Log()) // for libraries that log by themselves, as quic-go does
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Stop(signals)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	return steering{srv: srv, signals: signals, changed: c.changes(ctx, srv.ConfigPath), notify: notify, log: srv.Log()}.run()
}

// changes is nil, and so never says anything, without --watch.
func (c runCmd) changes(ctx context.Context, inForce func() string) <-chan struct{} {
	if !c.Watch {
		return nil
	}
	changed := make(chan struct{}, 1)
	go watchFiles(ctx, inForce, filesOf(), func() { request(changed) })
	return changed
}

// filesOf gives a Dwaarfile and what it imports, patterns included; while it is broken, what it
// imported before.
func filesOf() func(path string) []string {
	files := []string{""}
	return func(path string) []string {
		cfg, err := config.Load(path, os.LookupEnv)
		switch {
		case err == nil && len(cfg.Files) > 0:
			files = slices.Concat(cfg.Files, cfg.Patterns)
		case files[0] != path:
			files = []string{path}
		}
		return files
	}
}
