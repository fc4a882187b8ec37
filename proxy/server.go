// Package proxy serves HTTP: listeners, the sites that answer on them, and
// their change while they serve.
package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/kept"
	"dwaar/proxy/upstream"
)

// settle is how long after a swap the upstream connections of the old
// configuration are given back: a request may just have entered it.
const settle = time.Second

var errStopped = errors.New("the server has stopped")

// Server serves one configuration after the other without a gap: sockets that
// stay keep their address, open connections and upgraded ones go on, and see
// the new configuration with their next request.
type Server struct {
	log   *slog.Logger
	logs  *accesslog.Logs
	pools *upstream.Pools
	shelf *kept.Shelf
	noise *noise
	wake  chan struct{} // one token: there is work for Run

	challenges challenges
	metrics    *metrics
	exposition exposition

	changing sync.Mutex // held from Prepare to Commit or Abort

	mu        sync.Mutex // guards the rest
	listeners map[string]*listener
	grace     time.Duration
	lease     *upstream.Lease
	kept      *kept.Lease
	work      []task
	ended     bool
}

// task is something that Run runs.
type task struct {
	run func(context.Context)
	// serves is for listeners, which end when they are told to. The context
	// of the other tasks ends after the last listener.
	serves bool
}

// New returns a server of nothing. Log takes what the server has to say; what
// clients do wrong is at debug level.
func New(log *slog.Logger) *Server {
	return &Server{
		log:       log,
		logs:      accesslog.NewLogs(os.Stdout, os.Stderr, log),
		pools:     upstream.NewPools(),
		shelf:     kept.NewShelf(),
		noise:     &noise{log: log, limiter: rate.NewLimiter(10, 50)},
		metrics:   newMetrics(),
		wake:      make(chan struct{}, 1),
		listeners: make(map[string]*listener),
		lease:     upstream.NewPools().Lease(),
		kept:      kept.NewShelf().Lease(),
	}
}

// Addr is where the listener that was configured with this address really
// listens, or nil if there is none.
func (s *Server) Addr(address string) net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.listeners[address]; l != nil {
		return l.socket.Addr()
	}
	return nil
}

// Run serves what is committed, before and while it runs, until ctx is done.
// Then it stops listening, lets requests finish within the grace period, and
// closes what is left, WebSockets included. It leaves no goroutine behind.
func (s *Server) Run(ctx context.Context) error {
	rest, stopRest := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRest()
	var listeners, others sync.WaitGroup
	start := func(work []task) {
		for _, t := range work {
			if t.serves {
				listeners.Go(func() { t.run(rest) })
			} else {
				others.Go(func() { t.run(rest) })
			}
		}
	}
	others.Go(func() { s.pools.Run(rest) })
	for ctx.Err() == nil {
		start(s.takeWork())
		select {
		case <-ctx.Done():
		case <-s.wake:
		}
	}
	start(s.end())
	listeners.Wait()
	s.lease.Release()
	stopRest()
	others.Wait()
	return nil
}

func (s *Server) takeWork() []task {
	s.mu.Lock()
	defer s.mu.Unlock()
	work := s.work
	s.work = nil
	return work
}

// end closes every listener, lets no commit follow, and returns the work that
// was not begun, which ends what it starts.
func (s *Server) end() []task {
	s.mu.Lock()
	s.ended = true
	for _, l := range s.listeners {
		l.close(s.grace)
		l.closeDatagrams(s.grace)
	}
	s.mu.Unlock()
	return s.takeWork()
}
