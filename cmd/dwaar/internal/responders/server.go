package responders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"dwaar/ocspsvc"
)

// Options are how a Server is reached.
type Options struct {
	Listen  string // host:port for clients
	Metrics string // host:port for /metrics and /readyz; empty for nowhere

	// Ready, if set, is called once: when clients are answered.
	Ready func()
}

// Server is one responder with listeners of its own, and nothing else.
type Server struct {
	cfg    Config
	opts   Options
	log    *slog.Logger
	set    *Set
	answer atomic.Pointer[http.Handler]
}

// NewServer returns a server of one responder. It opens nothing.
func NewServer(cfg Config, opts Options, log *slog.Logger) *Server {
	return &Server{cfg: cfg, opts: opts, log: log, set: New(log)}
}

// grace is how long requests may go on after a stop.
const grace = 10 * time.Second

// Run serves until ctx ends, and then drains. A file that is bad, a database
// that cannot be opened and an address that is taken are errors; only a database
// server that is away is waited for.
func (s *Server) Run(ctx context.Context) error {
	clients, err := net.Listen("tcp", s.opts.Listen)
	if err != nil {
		return err
	}
	return s.Serve(ctx, clients)
}

// Serve is Run with a listener, which it closes.
func (s *Server) Serve(ctx context.Context, clients net.Listener) error {
	defer clients.Close()
	var scrapers net.Listener
	if s.opts.Metrics != "" {
		var err error
		if scrapers, err = net.Listen("tcp", s.opts.Metrics); err != nil {
			return err
		}
		defer scrapers.Close()
	}
	if err := s.use(ctx, true); ctx.Err() != nil {
		s.set.close()
		return nil // stopped before it began
	} else if err != nil {
		return err
	}
	return s.serve(ctx, clients, scrapers)
}

// serve keeps what answers alive until the last request has its answer.
func (s *Server) serve(ctx context.Context, clients, scrapers net.Listener) error {
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	background, ended := errgroup.WithContext(behind)
	background.Go(func() error { return s.set.Run(behind) })
	front, within := errgroup.WithContext(ctx)
	front.Go(func() error {
		return serveUntil(within, clients, http.HandlerFunc(s.ServeHTTP), s.log)
	})
	if scrapers != nil {
		front.Go(func() error { return serveUntil(within, scrapers, s.set.inspection(), s.log) })
	}
	s.log.Info("answering OCSP requests", "listen", clients.Addr().String(), "database", s.cfg.Records.Database)
	if s.opts.Ready != nil {
		s.opts.Ready()
	}
	err := front.Wait()
	stop()
	<-ended.Done()
	return errors.Join(err, background.Wait())
}

// ServeHTTP answers as the responder that is in force.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.answer.Load()).ServeHTTP(w, r)
}

// Reload reads the files again: a renewed signer signs from now on. On an error
// nothing has changed.
func (s *Server) Reload(ctx context.Context) error {
	if err := s.use(ctx, false); err != nil {
		s.log.Error("what the files hold now was refused, the running responder stays", "err", err)
		return err
	}
	s.log.Info("reloaded")
	return nil
}

// use loads the configuration and lets it answer.
func (s *Server) use(ctx context.Context, patient bool) error {
	loaded, err := Load(s.cfg)
	if err != nil {
		return err
	}
	for _, warning := range loaded.Warnings {
		s.log.Warn(warning)
	}
	change, err := s.set.Prepare(ctx, []*Loaded{loaded}, patient)
	if err != nil {
		return err
	}
	handler, err := change.Handler([]int{0})
	if err != nil {
		change.Abort()
		return err
	}
	s.answer.Store(&handler)
	change.Commit()
	return nil
}

// serveUntil serves connections until ctx ends, and then lets requests end.
func serveUntil(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 5 * ocspsvc.MaxRequestSize, // a GET has its question in the first line
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(within); err != nil {
		_ = server.Close() // the grace is over
	}
	<-served
	return nil
}
