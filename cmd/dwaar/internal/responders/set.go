package responders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// Set are the responders of a process.
type Set struct {
	log *slog.Logger

	mu      sync.Mutex // guards the rest
	now     []*running
	retired []*running    // not in use any more, and still open
	changed chan struct{} // wakes Run
}

// New returns an empty set.
func New(log *slog.Logger) *Set { return &Set{log: log, changed: make(chan struct{}, 1)} }

// Change is the step from the responders there are to others. It must be
// committed or aborted.
type Change struct {
	set  *Set
	next []*running
	made []*running // of next, those that were not there before
	done bool
}

// Error says which of several responders cannot be had, and why.
type Error struct {
	Number int // as they were given
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Prepare builds what is not there already, beside what runs. Its error is, or
// joins, an *Error for each responder that cannot be had. Where patient, the
// server of a database may be away, and is waited for afterwards.
func (s *Set) Prepare(ctx context.Context, all []*Loaded, patient bool) (*Change, error) {
	c := &Change{set: s}
	var wrong []error
	for i, l := range all {
		r := s.find(l)
		if r == nil {
			var err error
			if r, err = build(ctx, l, patient, s.log); err != nil {
				wrong = append(wrong, &Error{i, err})
				continue
			}
			c.made = append(c.made, r)
		}
		c.next = append(c.next, r)
	}
	if len(wrong) > 0 {
		c.Abort()
		return nil, errors.Join(wrong...)
	}
	return c, nil
}

// find is the one that runs and is exactly so.
func (s *Set) find(l *Loaded) *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.now {
		if r.digest == l.digest {
			return r
		}
	}
	return nil
}

// Handler answers as these responders do: that of several whose CA is asked
// about. It does so before the change is committed, too, and for a while after
// others have taken its place.
func (c *Change) Handler(numbers []int) (http.Handler, error) {
	var asked responder.Joined
	for _, n := range numbers {
		if n < 0 || n >= len(c.next) {
			return nil, fmt.Errorf("there is no responder %d", n)
		}
		asked = append(asked, c.next[n].signer)
	}
	return responder.Handler(asked, responder.Options{Log: c.set.log}), nil
}

// Commit has the new responders run and the others end.
func (c *Change) Commit() {
	c.done = true
	s := c.set
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.now {
		if !slices.Contains(c.next, r) {
			s.retired = append(s.retired, r)
		}
	}
	s.now = c.next
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Abort closes what Prepare opened. It does nothing after a Commit.
func (c *Change) Abort() {
	if c.done {
		return
	}
	c.done = true
	for _, r := range c.made {
		if err := r.records.close(); err != nil {
			r.log.Warn("closing the responder's database", "err", err)
		}
	}
}

// linger is how long a responder may still be asked that others have taken the
// place of: requests that were on their way to it.
const linger = 10 * time.Second

// Run keeps the responders up to date until ctx ends, and then closes their
// databases. It returns nil.
func (s *Set) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for {
		started, ended := s.turn()
		for _, r := range ended {
			group.Go(func() { s.end(ctx, r) })
		}
		for _, r := range started {
			within, stop := context.WithCancel(ctx)
			r.stop = stop
			group.Go(func() { r.run(within) })
		}
		select {
		case <-ctx.Done():
			group.Wait()
			s.close()
			return nil
		case <-s.changed:
		}
	}
}

// turn gives those that have to be started, and those that have to end.
func (s *Set) turn() (started, ended []*running) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.now {
		if !r.started {
			r.started = true
			started = append(started, r)
		}
	}
	ended, s.retired = s.retired, nil
	return started, ended
}

// end closes what is not asked any more.
func (s *Set) end(ctx context.Context, r *running) {
	if r.stop != nil {
		r.stop()
	}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	if err := r.records.close(); err != nil {
		r.log.Warn("closing the responder's database", "err", err)
	}
}

func (s *Set) close() {
	s.mu.Lock()
	all := slices.Concat(s.now, s.retired)
	s.now, s.retired = nil, nil
	s.mu.Unlock()
	for _, r := range all {
		if err := r.records.close(); err != nil {
			r.log.Warn("closing the responder's database", "err", err)
		}
	}
}

// Respond implements ocspsvc.Source: the responder answers whose CA is asked
// about, without a network. Another CA is ocspsvc.ErrNotOurs.
func (s *Set) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	var signers responder.Joined
	for _, r := range s.all() {
		signers = append(signers, r.signer)
	}
	return signers.Respond(ctx, req)
}

// all are those that run.
func (s *Set) all() []*running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.now)
}
