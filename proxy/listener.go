package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// listener is one socket, over all configurations that have its address. Its
// own loop accepts connections and gives them to the HTTP server of the day,
// so that neither the socket nor an open connection notices a reload.
type listener struct {
	socket   net.Listener
	noise    *noise
	front    atomic.Pointer[front]
	security atomic.Pointer[security] // nil: plain HTTP
	draining atomic.Bool
	requests atomic.Int64       // being handled, upgraded ones included
	accepted chan struct{}      // closed when accept has returned
	closing  chan time.Duration // the grace period with which to end
	renewed  chan struct{}      // one token: there is a generation to serve

	datagrams *datagrams // nil without HTTP/3; guarded by the server's mu

	mu      sync.Mutex // guards the rest
	current *generation
	retired []*generation // that may still have connections
	served  *generation   // the last one that run has started
}

func newListener(socket net.Listener, noise *noise) *listener {
	return &listener{
		socket:   socket,
		noise:    noise,
		accepted: make(chan struct{}),
		closing:  make(chan time.Duration, 1),
		renewed:  make(chan struct{}, 1),
	}
}

// run serves until close is called and the listener is drained. It owns every
// goroutine of the listener.
func (l *listener) run(ctx context.Context) {
	requests, end := context.WithCancel(ctx)
	defer end()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { l.accept(requests) })
	for {
		select {
		case <-l.renewed:
			if g := l.unserved(); g != nil {
				work.Go(func() { g.serve(requests) })
			}
		case grace := <-l.closing:
			if g := l.unserved(); g != nil {
				work.Go(func() { g.serve(requests) })
			}
			l.drain(grace, end)
			l.retire()
			return
		}
	}
}

// close makes run drain the listener and return. It is called once.
func (l *listener) close(grace time.Duration) { l.closing <- grace }

// closeDatagrams ends HTTP/3, if it is spoken. It is called with the server's
// mu held.
func (l *listener) closeDatagrams(grace time.Duration) {
	if l.datagrams != nil {
		l.datagrams.close(grace)
		l.datagrams = nil
	}
}

// ServeHTTP hands a request to the configuration that serves now.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.requests.Add(1)
	defer l.requests.Add(-1)
	l.front.Load().ServeHTTP(w, r)
}

// accept takes connections until the listener stops accepting, and waits for
// their handshakes.
func (l *listener) accept(ctx context.Context) {
	var handshakes sync.WaitGroup
	defer close(l.accepted)
	defer handshakes.Wait()
	defer l.socket.Close()
	pause := 5 * time.Millisecond
	for {
		conn, err := l.socket.Accept()
		switch {
		case err == nil:
			pause = 5 * time.Millisecond
			l.welcome(ctx, conn, &handshakes)
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
			for _, conn := range l.backlog() {
				l.welcome(ctx, conn, &handshakes)
			}
			return
		default:
			// Out of file descriptors, mostly: closing connections helps,
			// giving up does not.
			l.noise.warn("accepting connections", "address", l.socket.Addr().String(), "err", err)
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
		}
	}
}

// backlog are the connections that wait to be accepted when listening ends.
func (l *listener) backlog() []net.Conn {
	if socket, ok := l.socket.(*net.TCPListener); ok {
		return takeBacklog(socket)
	}
	return nil
}

// welcome does the handshake, if there is one to do, and gives conn to the
// server.
func (l *listener) welcome(ctx context.Context, conn net.Conn, handshakes *sync.WaitGroup) {
	sec := l.security.Load()
	if sec == nil {
		l.give(conn)
		return
	}
	handshakes.Go(func() {
		secured, err := sec.handshake(ctx, conn)
		if err != nil {
			l.noise.debug("TLS handshake failed", "remote", conn.RemoteAddr().String(), "err", err)
			_ = conn.Close()
			return
		}
		l.give(secured)
	})
}

// give passes conn to the generation that serves now; one that retires while
// conn waits for it leaves conn to its successor.
func (l *listener) give(conn net.Conn) {
	for {
		l.mu.Lock()
		g := l.current
		l.mu.Unlock()
		if g.take(conn) {
			return
		}
		if l.isCurrent(g) { // the server has stopped
			_ = conn.Close()
			return
		}
	}
}

func (l *listener) isCurrent(g *generation) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current == g
}

// renew begins a generation if the settings changed. Open connections stay
// with the generation they began in.
func (l *listener) renew(p protocol) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil && l.current.protocol == p {
		return
	}
	l.retired = slices.DeleteFunc(l.retired, (*generation).empty)
	if l.current != nil {
		l.current.retire()
		l.retired = append(l.retired, l.current)
	}
	l.current = newGeneration(p, l, l.noise)
	select {
	case l.renewed <- struct{}{}:
	default:
	}
}

// unserved is the current generation if nothing serves it yet. One that was
// replaced before it was served has no connections.
func (l *listener) unserved() *generation {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.served == l.current {
		return nil
	}
	l.served = l.current
	return l.current
}

// retire ends the last generation.
func (l *listener) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.retire()
}

// generations are all that may have connections.
func (l *listener) generations() []*generation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(slices.Clone(l.retired), l.current)
}
