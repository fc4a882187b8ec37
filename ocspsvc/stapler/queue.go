package stapler

import (
	"container/heap"
	"time"
)

// queue is a heap of certificates. It is guarded by Service.mu.
type queue struct {
	items  []*certificate
	before func(a, b *certificate) bool
	place  func(*certificate) *int // where c keeps its place in this queue, counted from 1
}

// byDue orders by when the next round is due.
func byDue() *queue {
	return &queue{
		before: func(a, b *certificate) bool { return a.due.Before(b.due) },
		place:  func(c *certificate) *int { return &c.place },
	}
}

// byUrgency orders as S11 says: must-staple leaves without a staple, then those
// a client asked for, then by due time.
func byUrgency() *queue {
	return &queue{before: moreUrgent, place: func(c *certificate) *int { return &c.place }}
}

// byChange orders by when what may be served changes next.
func byChange() *queue {
	return &queue{
		before: func(a, b *certificate) bool { return a.changes.Before(b.changes) },
		place:  func(c *certificate) *int { return &c.watched },
	}
}

func moreUrgent(a, b *certificate) bool {
	if x, y := a.urgency(), b.urgency(); x != y {
		return x < y
	}
	return a.due.Before(b.due)
}

func (q *queue) top() *certificate {
	if len(q.items) == 0 {
		return nil
	}
	return q.items[0]
}

// put adds c, or moves it to where it belongs now.
func (q *queue) put(c *certificate) {
	if at := *q.place(c); at > 0 {
		heap.Fix((*byPlace)(q), at-1)
		return
	}
	heap.Push((*byPlace)(q), c)
}

// drop removes c if it is there.
func (q *queue) drop(c *certificate) {
	if at := *q.place(c); at > 0 {
		heap.Remove((*byPlace)(q), at-1)
	}
}

// untilTop is how long it is to the time that at says of the first one, and
// forever if there is none.
func (q *queue) untilTop(now time.Time, at func(*certificate) time.Time, forever time.Duration) time.Duration {
	if c := q.top(); c != nil {
		return min(at(c).Sub(now), forever)
	}
	return forever
}

// byPlace is what container/heap sees of a queue.
type byPlace queue

func (q *byPlace) Len() int           { return len(q.items) }
func (q *byPlace) Less(i, j int) bool { return q.before(q.items[i], q.items[j]) }

func (q *byPlace) Swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	*q.place(q.items[i]), *q.place(q.items[j]) = i+1, j+1
}

func (q *byPlace) Push(x any) {
	c := x.(*certificate)
	q.items = append(q.items, c)
	*q.place(c) = len(q.items)
}

func (q *byPlace) Pop() any {
	last := len(q.items) - 1
	c := q.items[last]
	q.items[last], q.items = nil, q.items[:last]
	*q.place(c) = 0
	return c
}
