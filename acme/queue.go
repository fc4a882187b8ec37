package acme

import (
	"container/heap"
	"time"
)

// queue is a heap of entries by due time; an entry is in one at most. It is guarded by
// Manager.mu.
type queue []*entry

// put adds e, or moves it to where it belongs now.
func (q *queue) put(e *entry) {
	if e.in == q {
		heap.Fix((*byDue)(q), e.place-1)
		return
	}
	e.leave()
	e.in = q
	heap.Push((*byDue)(q), e)
}

// leave takes e out of the queue it is in.
func (e *entry) leave() {
	if e.in != nil {
		heap.Remove((*byDue)(e.in), e.place-1)
		e.in = nil
	}
}

func (q *queue) top() *entry {
	if len(*q) == 0 {
		return nil
	}
	return (*q)[0]
}

// untilTop is how long it is to the first one's time, at most longest.
func (q *queue) untilTop(now time.Time, longest time.Duration) time.Duration {
	if e := q.top(); e != nil {
		return min(e.due.Sub(now), longest)
	}
	return longest
}

// byDue is what container/heap sees of a queue.
type byDue queue

func (q byDue) Len() int           { return len(q) }
func (q byDue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

func (q byDue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i+1, j+1
}

func (q *byDue) Push(x any) {
	e := x.(*entry)
	*q = append(*q, e)
	e.place = len(*q)
}

func (q *byDue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1], *q = nil, old[:len(old)-1]
	e.place = 0
	return e
}
