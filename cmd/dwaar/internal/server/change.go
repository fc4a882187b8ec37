package server

import (
	"sync"
	"time"
)

// changes lets many who want something changed at about the same time have it
// with one rebuild of everything: each costs as much as there are certificates,
// and a start may get ten thousand of them one by one.
type changes struct {
	applying sync.Mutex // one rebuild at a time; taken before mu
	rested   time.Time  // guarded by applying: when the next may begin

	mu   sync.Mutex // guards open
	open *batch     // what is wanted, and not begun
}

// batch is what one rebuild changes.
type batch struct {
	wanted []func(*shown)
	done   bool // guarded by changes.applying
}

// with puts what is wanted into the open batch, and returns when that has been
// applied: by the caller, or by one who came before.
func (c *changes) with(wanted func(*shown), apply func([]func(*shown))) {
	b := c.join(wanted)
	c.applying.Lock()
	defer c.applying.Unlock()
	if b.done {
		return
	}
	time.Sleep(time.Until(c.rested)) // others may join
	c.mu.Lock()
	c.open = nil // it is b: the one before is done
	c.mu.Unlock()
	start := time.Now()
	apply(b.wanted)
	b.done = true
	c.rested = time.Now().Add(min(restFor*time.Since(start), longestRest))
}

// After a rebuild there is none for restFor times as long, so that they take a
// quarter of one processor at the most. That is no time where there are few
// certificates.
const (
	restFor     = 3
	longestRest = time.Second
)

func (c *changes) join(wanted func(*shown)) *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = &batch{}
	}
	c.open.wanted = append(c.open.wanted, wanted)
	return c.open
}

// change is a change of what is shown. When it returns, handshakes see it, and
// everybody knows which leaves are served.
func (s *Server) change(what func(*shown)) {
	s.changes.with(what, func(all []func(*shown)) {
		if err := s.rebuild(all); err != nil {
			s.log.Error("certificates cannot be served", "err", err)
		}
		s.sync()
	})
}

func (s *Server) rebuild(all []func(*shown)) error {
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	for _, what := range all {
		what(&s.shown)
	}
	return s.certs.Apply(s.bindings(s.plan.Load()))
}
