package alone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"dwaar/cmd/dwaar/internal/running"
	"dwaar/ocspsvc"
)

// Options are how a Server is reached.
type Options struct {
	Listen  string // host:port for clients
	Metrics string // host:port for /metrics and /readyz; empty for nowhere

	// Longest is how long an answer may take; zero means 10 s.
	Longest time.Duration

	// Ready, if set, is called once: when clients are answered.
	Ready func()
}

// Service is what a Server serves.
type Service interface {
	running.Metered
	// Prepare reads the configuration and its files, again or for the first
	// time, and builds what they want beside what runs. Where patient, what is
	// away and no mistake is waited for afterwards.
	Prepare(ctx context.Context, patient bool) (Change, error)
	// Run keeps running what was committed, until ctx ends.
	Run(ctx context.Context) error
	// Close is for who has not come to Run.
	Close()
	// Ready returns nil if all requests can be answered, else why not.
	Ready() error
	// Attrs are for the line in the log that says that clients are answered.
	Attrs() []any
}

// Change is what Prepare built.
type Change interface {
	// Handler answers, before the commit too.
	Handler() http.Handler
	Commit()
}

// Server is a Service with listeners of its own, and nothing else.
type Server struct {
	service Service
	opts    Options
	log     *slog.Logger
	answer  atomic.Pointer[http.Handler]
}

// NewServer returns a server of one service. It opens nothing.
func NewServer(service Service, opts Options, log *slog.Logger) *Server {
	return &Server{service: service, opts: opts, log: log}
}

// grace is how long requests may go on after a stop.
const grace = 10 * time.Second

// Run serves until ctx ends, and then drains. What Prepare refuses and an address
// that is taken are errors.
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
	if err := s.use(ctx, true); err != nil || ctx.Err() != nil {
		s.service.Close()
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	return s.serve(ctx, clients, scrapers)
}

// serve keeps what answers alive until the last request has its answer.
func (s *Server) serve(ctx context.Context, clients, scrapers net.Listener) error {
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	background, ended := errgroup.WithContext(behind)
	background.Go(func() error { return s.service.Run(behind) })
	front, within := errgroup.WithContext(ctx)
	front.Go(func() error {
		return s.serveUntil(within, clients, http.HandlerFunc(s.ServeHTTP))
	})
	if scrapers != nil {
		front.Go(func() error { return s.serveUntil(within, scrapers, inspection(s.service)) })
	}
	s.log.Info("answering OCSP requests", append([]any{"listen", clients.Addr().String()}, s.service.Attrs()...)...)
	if s.opts.Ready != nil {
		s.opts.Ready()
	}
	err := front.Wait()
	stop()
	<-ended.Done()
	return errors.Join(err, background.Wait())
}

// ServeHTTP answers as what is in force.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.answer.Load()).ServeHTTP(w, r)
}

// Reload reads the files again. On an error nothing has changed.
func (s *Server) Reload(ctx context.Context) error {
	if err := s.use(ctx, false); err != nil {
		s.log.Error("what the files hold now was refused, what runs stays", "err", err)
		return err
	}
	s.log.Info("reloaded")
	return nil
}

// use prepares the service and lets it answer.
func (s *Server) use(ctx context.Context, patient bool) error {
	change, err := s.service.Prepare(ctx, patient)
	if err != nil {
		return err
	}
	handler := change.Handler()
	s.answer.Store(&handler)
	change.Commit()
	return nil
}

// serveUntil serves connections until ctx ends, and then lets requests end.
func (s *Server) serveUntil(ctx context.Context, ln net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20*time.Second + cmp.Or(s.opts.Longest, 10*time.Second), IdleTimeout: 2 * time.Minute,
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
