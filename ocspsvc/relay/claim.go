package relay

import "time"

// postpone makes a subject due later, for a reason that is not its own.
func (c *cache) postpone(k key, due time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.peek(k); e != nil {
		e.due = due
	}
}

// dueBefore reports whether an entry is due before then, and so perhaps before
// anybody looks again.
func (c *cache) dueBefore(k key, then time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.peek(k)
	return e != nil && e.due.Before(then)
}

// claimFor is how long an entry that was taken as due is not due again, unless
// its flight lands.
const claimFor = 10 * time.Minute

// claim returns up to n subjects of an authority that are due, and when the next
// one is. What nobody has asked for lately is left to end.
func (c *cache) claim(a *authority, n int, now time.Time) (due []subject, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = now.Round(0)
	next = now.Add(checkEvery)
	look := func(e *entry) {
		switch {
		case e.authority != a:
		case now.Before(e.due):
			next = earlier(next, e.due)
		case len(due) == n:
			next = now
		default:
			due = append(due, e.subject)
			e.due = now.Add(claimFor)
		}
	}
	for _, e := range c.pinned {
		look(e)
	}
	for _, e := range c.others.Values() {
		if now.Sub(e.asked) < unusedAfter && e.answer.valid(now) {
			look(e)
		}
	}
	return due, next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
