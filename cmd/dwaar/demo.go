package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"dwaar/cmd/dwaar/internal/demo"
	"dwaar/cmd/dwaar/internal/server"
)

type demoCmd struct {
	Dir string `default:"dwaar-demo" placeholder:"DIR" help:"Where the demo's PKI and Dwaarfile live; made if missing, used again if not (default: ${default})."`
}

func (demoCmd) Help() string {
	return `Makes a three-level PKI and a Dwaarfile, runs a web application, an OCSP responder and the proxy on this machine, and prints what to try: seeing the staple, and revoking the certificate. Busy ports are replaced by free ones. Ctrl-C ends it.`
}

func (c demoCmd) Run(a *app) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer context.AfterFunc(ctx, stop)() // a second Ctrl-C is the system's: it ends the process at once
	defer stop()
	return demo.Run(ctx, demo.Options{
		Dir: c.Dir, Command: selfCommand(), Stdout: a.stdout, Log: slog.New(slog.NewTextHandler(a.stderr, nil)),
		Serve: func(ctx context.Context, config, dataDir string) error {
			srv, err := server.New(server.Options{
				ConfigPath: config, DataDir: dataDir, Version: readBuild().version, Stdout: a.stdout, Stderr: a.stderr,
			})
			if err != nil {
				return badDwaarfile(config+" cannot be served", err)
			}
			return srv.Run(ctx)
		},
	})
}

// selfCommand is how to call this program again: what `go run` builds is gone by
// then.
func selfCommand() string {
	self, err := os.Executable()
	if err != nil || strings.Contains(self, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/dwaar"
	}
	return demo.QuoteShell(self)
}
