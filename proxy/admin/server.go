package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds of what all requests together may cost.
const (
	maxConnections = 64
	maxHeader      = 16 << 10
	drainTimeout   = 5 * time.Second
)

// Server listens on the admin address and serves the Controller behind it.
type Server struct {
	addr    Address // zero if off
	handler http.Handler
	log     *slog.Logger

	mu sync.Mutex // guards ln
	ln net.Listener
}

// New checks cfg. It opens nothing: see Listen and Run.
func New(cfg Config, ctl Controller, log *slog.Logger) (*Server, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Listen == Off {
		return &Server{log: log}, nil
	}
	addr, err := ParseAddress(cfg.Listen)
	if err != nil {
		return nil, err
	}
	handler := http.Handler(http.MaxBytesHandler(api{ctl}.routes(), maxBody))
	if addr.Network == "tcp" {
		handler = newTCPGuard(addr, cfg.Token, handler)
	}
	return &Server{addr: addr, handler: handler, log: log}, nil
}

// Listen opens the address, so that a start can fail early. Run does it by
// itself if nobody did. A second dwaar on the same socket is refused.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln != nil || s.addr == (Address{}) {
		return nil
	}
	ln, err := listen(s.addr)
	if err != nil {
		return err
	}
	s.ln = netutil.LimitListener(ln, maxConnections)
	return nil
}

// Close gives the address back if Listen opened it and Run never ran.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln == nil {
		return nil
	}
	err := s.ln.Close()
	s.ln = nil
	return err
}

// Run serves until ctx is done, lets running requests end within 5 s and
// removes the socket. It returns nil after such a stop.
func (s *Server) Run(ctx context.Context) error {
	if s.addr == (Address{}) {
		<-ctx.Done()
		return nil
	}
	if err := s.Listen(); err != nil {
		return err
	}
	defer s.Close()
	s.warnIfOpen()
	srv := s.httpServer(ctx)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(s.ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	return errors.Join(s.drain(ctx, srv), ignoreClosed(<-served))
}

// httpServer hands ctx to the requests: a long refresh ends when dwaar stops.
func (s *Server) httpServer(ctx context.Context) *http.Server {
	return &http.Server{
		BaseContext:       func(net.Listener) context.Context { return ctx },
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

func (s *Server) drain(ctx context.Context, srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return srv.Close() // whoever is still here is cut off: the stop was asked for
	}
	return nil
}

// warnIfOpen: over TCP the token travels unencrypted, which is nobody's business
// on the loopback only.
func (s *Server) warnIfOpen() {
	if tcp, ok := s.ln.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		s.log.Warn("the admin address is reachable from other machines, without TLS", "address", tcp.String())
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
