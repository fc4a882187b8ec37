package relay

import (
	"slices"
	"time"
)

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

// claimed is a subject that was due. It is due no more if somebody else has looked
// for its answer since.
type claimed struct {
	subject
	until time.Time // when it is due again, unless somebody has
}

// still reports whether nobody has looked for an answer since it was claimed.
func (c *cache) still(s claimed) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.peek(s.key)
	return e != nil && e.due.Equal(s.until)
}

// claim returns up to n subjects of an authority that are due, those first whose
// answers end soon, and when the next one is. What nobody has asked for lately is left
// to end.
func (c *cache) claim(a *authority, n int, now time.Time) (due []claimed, next time.Time) {
	now = now.Round(0)
	next = now.Add(checkEvery)
	var soon, late line
	c.each(a, func(e *entry) {
		switch {
		case !c.wanted(e, now):
		case !reached(e.due, now, longest):
			next = earlier(next, e.due)
		case e.answer.ending(now):
			soon.insert(e, e.answer.until, n)
		default:
			late.insert(e, e.due, n)
		}
	})
	return c.mark(append(soon, late...), n, now), next
}

// line is the first of those that wait, by a time that each had when it was seen.
type line []waits

type waits struct {
	entry *entry
	time  time.Time
}

func (l *line) insert(e *entry, at time.Time, most int) {
	i, _ := slices.BinarySearchFunc(*l, at, func(w waits, at time.Time) int { return w.time.Compare(at) })
	if i < most {
		*l = slices.Insert(*l, i, waits{e, at})
		*l = (*l)[:min(len(*l), most)]
	}
}

// wanted reports whether an entry is kept fresh. It wants c.mu held.
func (c *cache) wanted(e *entry, now time.Time) bool {
	return now.Sub(e.asked) < unusedAfter && e.answer.valid(now) || c.pinned[e.key] == e
}

// mark claims the first n of these that are there and due all the same: others had
// turns meanwhile.
func (c *cache) mark(line line, n int, now time.Time) (due []claimed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range line {
		if e := w.entry; len(due) < n && e.place != gone && reached(e.due, now, longest) {
			e.due = now.Add(claimFor)
			due = append(due, claimed{e.subject, e.due})
		}
	}
	return due
}

// ending reports whether an answer is in the last quarter of its life.
func (a *answer) ending(now time.Time) bool {
	return a.valid(now) && a.until.Sub(now.Round(0)) < a.until.Sub(a.thisUpdate)/4
}

// ending reports whether there is an answer that is.
func (c *cache) ending(k key, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.peek(k)
	return e != nil && e.answer.ending(now)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
