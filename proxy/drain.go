package proxy

import (
	"context"
	"net"
	"sync"
	"time"
)

const (
	// lameDuck is how long connections may still bring requests, each of
	// which is answered with "Connection: close". After it, a connection that
	// is idle is one that nobody is just using.
	lameDuck = 250 * time.Millisecond
	// lastMoment is how long handlers have to notice that their request was
	// ended.
	lastMoment = time.Second
	poll       = 5 * time.Millisecond
)

// drain ends the listener: no new connections, no more than grace for the
// requests that have begun, then the end of every connection, the upgraded
// ones too. end cancels the requests.
func (l *listener) drain(grace time.Duration, end context.CancelFunc) {
	l.draining.Store(true)
	l.stopAccepting()
	patience, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	select {
	case <-l.accepted: // and all handshakes done
	case <-patience.Done():
	}
	duck, stop := context.WithTimeout(patience, lameDuck)
	pollUntil(duck, l.unused)
	stop()
	generations := l.generations()
	var all sync.WaitGroup
	for _, g := range generations {
		all.Go(func() { _ = g.server.Shutdown(patience) }) // what it leaves is closed below
	}
	all.Go(func() { pollUntil(patience, l.unused) })
	all.Wait()

	end()
	for _, g := range generations {
		_ = g.server.Close()
	}
	moment, stop := context.WithTimeout(context.Background(), lastMoment)
	defer stop()
	pollUntil(moment, l.unused)
}

// stopAccepting ends the accept loop, which takes what has come until then.
func (l *listener) stopAccepting() {
	if socket, ok := l.socket.(*net.TCPListener); ok {
		_ = socket.SetDeadline(time.Now())
		return
	}
	_ = l.socket.Close()
}

// unused reports whether there is neither a connection nor a request.
func (l *listener) unused() bool {
	for _, g := range l.generations() {
		if !g.empty() {
			return false
		}
	}
	return l.requests.Load() == 0
}

func pollUntil(ctx context.Context, done func() bool) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
