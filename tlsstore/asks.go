package tlsstore

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Strangers choose the names, so what can wait for them is bounded. More get an alert at once,
// and may come again.
const (
	maxWaiting       = 1000            // handshakes, and names, in all
	maxWaitingForOne = 100             // handshakes for one name
	obtainWait       = 3 * time.Minute // for one certificate, whoever still waits
)

var (
	errCrowded = errors.New("too many handshakes wait for certificates that are got on demand")
	errEnded   = errors.New("the store has stopped getting certificates on demand")
)

// asks are the names whose certificates are being got, each once at a time, and the handshakes
// that wait for them.
type asks struct {
	mu      sync.Mutex // guards the rest
	flights map[string]*flight
	waiting int // handshakes
	ended   bool

	running sync.WaitGroup
}

// flight is the getting of one certificate. It goes on when nobody waits any more: a CA may
// take longer than a client's patience, and the client will come again.
type flight struct {
	cancel  context.CancelFunc
	waiting int // guarded by asks.mu

	done chan struct{} // closed when the result is there
	got  *got
	err  error
}

func newAsks() *asks { return &asks{flights: make(map[string]*flight)} }

// wait returns what get makes of a name, together with all who wait for the same name, or an
// error when ctx is done.
func (a *asks) wait(ctx context.Context, name string, get func(context.Context) (*got, error)) (*got, error) {
	f, err := a.join(name, get)
	if err != nil {
		return nil, err
	}
	defer a.leave(f)
	select {
	case <-f.done:
		return f.got, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join counts a handshake in, and begins what it waits for if nobody has.
func (a *asks) join(name string, get func(context.Context) (*got, error)) (*flight, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.flights[name]
	switch {
	case a.ended:
		return nil, errEnded
	case a.waiting >= maxWaiting, f == nil && len(a.flights) >= maxWaiting, f != nil && f.waiting >= maxWaitingForOne:
		return nil, errCrowded
	case f == nil:
		f = a.begin(name, get)
	}
	f.waiting++
	a.waiting++
	return f, nil
}

func (a *asks) leave(f *flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f.waiting--
	a.waiting--
}

// begin is called with mu held.
func (a *asks) begin(name string, get func(context.Context) (*got, error)) *flight {
	ctx, cancel := context.WithTimeout(context.Background(), obtainWait)
	f := &flight{cancel: cancel, done: make(chan struct{})}
	a.flights[name] = f
	a.running.Go(func() {
		defer cancel()
		f.got, f.err = get(ctx)
		a.mu.Lock()
		delete(a.flights, name)
		a.mu.Unlock()
		close(f.done)
	})
	return f
}

// end cancels what is under way, waits for it, and lets nothing begin.
func (a *asks) end() {
	a.mu.Lock()
	a.ended = true
	for _, f := range a.flights {
		f.cancel()
	}
	a.mu.Unlock()
	a.running.Wait()
}
