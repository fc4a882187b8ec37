package issuing

import (
	"context"
	"sync"
	"time"
)

// restAfterLook is the least time between two looks at the same place: 50 in a second.
const restAfterLook = 20 * time.Millisecond

// looks are looks into storage that strangers cause. Who wants the same at about the same
// time shares one, which begins after all of them have come: so nobody is told what was
// true before he asked, and how many ask does not matter to storage.
type looks[T any] struct {
	mu       sync.Mutex
	upcoming map[string]*look[T] // that have not begun
	latest   map[string]*look[T] // that are not over
}

type look[T any] struct {
	found T
	err   error
	done  chan struct{} // closed when these are set
	over  chan struct{} // closed when the next one may begin
}

func newLooks[T any]() *looks[T] {
	return &looks[T]{upcoming: make(map[string]*look[T]), latest: make(map[string]*look[T])}
}

// at returns what find does, which has lookupTimeout.
func (l *looks[T]) at(ctx context.Context, place string, find func(ctx context.Context, place string) (T, error)) (found T, err error) {
	one := l.join(place, find)
	select {
	case <-one.done:
		return one.found, one.err
	case <-ctx.Done():
		return found, ctx.Err()
	}
}

func (l *looks[T]) join(place string, find func(context.Context, string) (T, error)) *look[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one := l.upcoming[place]; one != nil {
		return one
	}
	one, before := &look[T]{done: make(chan struct{}), over: make(chan struct{})}, l.latest[place]
	l.upcoming[place], l.latest[place] = one, one
	go func() {
		if before != nil {
			<-before.over
		}
		l.begin(place)
		ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
		defer cancel()
		one.found, one.err = find(ctx, place)
		close(one.done)
		time.Sleep(restAfterLook)
		l.end(place, one)
	}()
	return one
}

// begin is told when a look begins: who comes from now on has to wait for the next one.
func (l *looks[T]) begin(place string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.upcoming, place)
}

func (l *looks[T]) end(place string, one *look[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(one.over)
	if l.latest[place] == one {
		delete(l.latest, place)
	}
}
