// Package demo shows dwaar's whole job on one machine: a PKI, an OCSP responder,
// a web application, and the proxy that staples in front of it.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"dwaar/ocspsvc"
)

// Options are what the demo needs from the program around it.
type Options struct {
	Dir     string // made if missing, reused if not
	Command string // how the user calls this program, for the lines to copy
	Stdout  io.Writer
	Log     *slog.Logger

	// Serve runs the proxy from a Dwaarfile until ctx is done.
	Serve func(ctx context.Context, config, dataDir string) error

	// StapleWait bounds the wait for the first staple. Default 20 s.
	StapleWait time.Duration
}

// Run sets everything up, serves it, and explains on Stdout what to try. It
// returns nil when ctx ends, and leaves nothing running.
func Run(ctx context.Context, o Options) error {
	s, err := prepare(ctx, o.Dir)
	if errors.Is(err, context.Canceled) {
		return nil // the end came first
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer s.close()
	parts := s.parts(o)
	running, stop := context.WithCancel(ctx)
	defer stop()
	s.printSetup(o.Stdout)
	ended := make(chan outcome)
	for _, part := range parts {
		go func() { ended <- outcome{part.lasts, part.run(running)} }()
	}
	left, err := untilOneEnds(running, ended, len(parts))
	stop()
	for range left {
		err = errors.Join(err, (<-ended).err)
	}
	return err
}

// part is what runs at the same time as others.
type part struct {
	lasts bool // until the demo ends; else it has a job to finish
	run   func(ctx context.Context) error
}

type outcome struct {
	lasts bool
	err   error
}

func (s *setup) parts(o Options) []part {
	return []part{
		{true, func(ctx context.Context) error { return serve(ctx, s.listeners.upstream, http.HandlerFunc(hello)) }},
		{true, func(ctx context.Context) error { return s.responder(o).Serve(ctx, s.listeners.responder) }},
		{true, func(ctx context.Context) error { return o.Serve(ctx, s.path(dwaarfileName), s.path(dataDirName)) }},
		{false, func(ctx context.Context) error { return s.guide(ctx, o) }},
	}
}

// untilOneEnds waits for ctx or for a part that ends when it should not. It
// returns how many parts still run.
func untilOneEnds(ctx context.Context, ended <-chan outcome, running int) (left int, err error) {
	for {
		select {
		case <-ctx.Done():
			return running, nil
		case o := <-ended:
			running--
			if o.err != nil {
				return running, fmt.Errorf("demo: %w", o.err)
			}
			if o.lasts {
				return running, nil // stopped, as by `dwaar stop`
			}
		}
	}
}

// guide waits for the staple and tells the user what to do with it.
func (s *setup) guide(ctx context.Context, o Options) error {
	if s.record.Status == ocspsvc.Revoked {
		s.printStillRevoked(o)
		return nil
	}
	v, err := s.awaitStaple(ctx, cmp.Or(o.StapleWait, defaultStapleWait))
	if ctx.Err() != nil {
		return nil // the end came first
	}
	if err != nil {
		return err
	}
	s.printStapled(o, v)
	return nil
}

// serve answers on ln until ctx is done.
func serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	err := srv.Close()
	<-done
	return err
}
