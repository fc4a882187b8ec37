package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"syscall"
)

// service is the running dwaar as signals see it.
type service interface {
	Run(ctx context.Context) error
	Reload(ctx context.Context) error
}

// steering joins a service to the outside of its process.
type steering struct {
	srv     service
	signals <-chan os.Signal
	changed <-chan struct{} // the Dwaarfile, with --watch
	notify  notifier
	log     *slog.Logger
}

var errImpatient = errors.New("stopped at once by a second signal; open requests were cut off")

// run serves until SIGTERM or SIGINT and the drain after it. A second one ends
// the drain. SIGHUP, SIGUSR1 and a changed file reload; what arrives during a
// reload makes one more.
func (s steering) run() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	reload := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() { ended <- s.srv.Run(ctx) }()
	go s.reloads(ctx, reload)
	for {
		select {
		case err := <-ended:
			return err
		case <-s.changed:
			request(reload)
		case sig := <-s.signals:
			if sig == syscall.SIGHUP || sig == syscall.SIGUSR1 {
				request(reload)
				continue
			}
			if ctx.Err() != nil {
				return errImpatient
			}
			s.log.Info("stopping", "signal", sig.String())
			s.notify.stopping()
			stop()
		}
	}
}

// request asks for a reload unless one is already waiting.
func request(reload chan<- struct{}) {
	select {
	case reload <- struct{}{}:
	default:
	}
}

func (s steering) reloads(ctx context.Context, reload <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-reload:
			s.notify.reloading()
			_ = s.srv.Reload(ctx) // logged there; the running configuration stays
			s.notify.ready()
		}
	}
}
