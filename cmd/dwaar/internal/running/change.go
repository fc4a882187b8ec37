package running

import (
	"errors"
	"slices"
)

// Change is the step from the services there are to others. It must be
// committed or aborted.
type Change[S Service] struct {
	set  *Set[S]
	next []*member[S]
	made []*member[S] // of next, those that were not there before
	done bool
}

// Error says which of several services cannot be had, and why.
type Error struct {
	Number int // as they were given
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Prepare builds those of the wanted services that do not run already, beside
// what runs. Its error joins an *Error for each that cannot be had.
func (s *Set[S]) Prepare(wanted []Digest, build func(number int) (S, error)) (*Change[S], error) {
	c := &Change[S]{set: s}
	var wrong []error
	for i, digest := range wanted {
		m := s.find(digest)
		if m == nil {
			service, err := build(i)
			if err != nil {
				wrong = append(wrong, &Error{i, err})
				continue
			}
			m = &member[S]{service: service, digest: digest}
			c.made = append(c.made, m)
		}
		c.next = append(c.next, m)
	}
	if len(wrong) > 0 {
		c.Abort()
		return nil, errors.Join(wrong...)
	}
	return c, nil
}

// find is the one that runs and is exactly so.
func (s *Set[S]) find(digest Digest) *member[S] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.now, func(m *member[S]) bool { return m.digest == digest }); i >= 0 {
		return s.now[i]
	}
	return nil
}

// Services are the wanted ones, in their order. They answer before the change
// is committed, too, and for a while after others have taken their place.
func (c *Change[S]) Services() []S { return services(c.next) }

// Commit has the new services run and the others end.
func (c *Change[S]) Commit() {
	c.done = true
	s := c.set
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.now {
		if !slices.Contains(c.next, m) {
			s.retired = append(s.retired, m)
		}
	}
	s.now = c.next
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Abort closes what Prepare built. It does nothing after a Commit.
func (c *Change[S]) Abort() {
	if c.done {
		return
	}
	c.done = true
	for _, m := range c.made {
		c.set.close(m)
	}
}
