// Package kept holds what handlers remember between requests, for as long as a configuration
// wants it: what a reload leaves as it was goes on where it stood.
package kept

import "sync"

// Shelf is everything that is kept by one process.
type Shelf struct {
	mu    sync.Mutex // guards the rest, and every lease's held
	items map[any]*item
}

type item struct {
	value  any
	leases int
}

// NewShelf returns an empty shelf.
func NewShelf() *Shelf { return &Shelf{items: make(map[any]*item)} }

// Lease holds what one configuration uses. Nil is the lease of nobody: what it takes is new
// each time.
type Lease struct {
	shelf *Shelf
	held  map[any]struct{} // guarded by shelf.mu
}

// Lease returns a lease that holds nothing yet.
func (s *Shelf) Lease() *Lease { return &Lease{shelf: s, held: make(map[any]struct{})} }

// Take is what is kept under key, made now if no lease has it. The key says all that make
// depends on, and its type who is asking.
func Take[K comparable, V any](l *Lease, key K, make func() V) V {
	if l == nil {
		return make()
	}
	l.shelf.mu.Lock()
	defer l.shelf.mu.Unlock()
	kept := l.shelf.items[key]
	if kept == nil {
		kept = &item{value: make()}
		l.shelf.items[key] = kept
	}
	if _, ok := l.held[key]; !ok {
		l.held[key] = struct{}{}
		kept.leases++
	}
	return kept.value.(V)
}

// Release gives everything back. What no other lease holds is forgotten.
func (l *Lease) Release() {
	l.shelf.mu.Lock()
	defer l.shelf.mu.Unlock()
	for key := range l.held {
		kept := l.shelf.items[key]
		if kept.leases--; kept.leases == 0 {
			delete(l.shelf.items, key)
		}
	}
	clear(l.held)
}
