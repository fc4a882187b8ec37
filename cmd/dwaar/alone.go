package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// serveAlone runs a server that has no Dwaarfile, until a signal ends it.
func (a *app) serveAlone(debug bool, build func(ready func(), log *slog.Logger) (service, error)) error {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
	notify := newNotifier()
	srv, err := build(notify.ready, log)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Stop(signals)
	return steering{srv: srv, signals: signals, notify: notify, log: log}.run()
}

// checkAddresses is about the flags of such a server.
func checkAddresses(listen, metrics string) error {
	for flag, address := range map[string]string{"--listen": listen, "--metrics": metrics} {
		if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
			return fmt.Errorf("%s: %q is not like :9000 or 127.0.0.1:9000", flag, address)
		}
	}
	return nil
}
