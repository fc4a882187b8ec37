package tlsstore

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// demanded are the certificates that were got on demand. They are beside the index, which
// would have to be built anew for each of them.
type demanded struct {
	mu     sync.Mutex                      // guards the rest; Store.mu is taken first
	names  *simplelru.LRU[string, *demand] // by use, in normal form
	leaves map[Fingerprint]*leaf
	left   []*entry // have lost a name since the last change
}

// demand is what one name has got.
type demand struct {
	entry *entry
	rules // of all listeners that get it on demand
}

// newDemanded returns a table for at most size names; size is positive.
func newDemanded(size int) *demanded {
	d := &demanded{leaves: make(map[Fingerprint]*leaf)}
	d.names, _ = simplelru.NewLRU(size, d.unlink) // fails for other sizes
	return d
}

// get returns the entry of a name, and counts as a use of it; nil if there is none.
func (d *demanded) get(name string) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	if got, ok := d.names.Get(name); ok {
		return got.entry
	}
	return nil
}

// peek returns the entry of a name, unless it has expired, and changes nothing.
func (d *demanded) peek(name string, now time.Time) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	if got, ok := d.names.Peek(name); ok && !got.entry.expired(now) {
		return got.entry
	}
	return nil
}

func (d *demanded) leaf(fingerprint Fingerprint) *leaf {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leaves[fingerprint]
}

// all returns the leaves of this moment.
func (d *demanded) all() map[Fingerprint]*leaf {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.leaves)
}

// put gives a name its entry, in place of the one it had, and returns those that are nobody's
// any more: that one, and the least used if there were too many.
func (d *demanded) put(name string, got *demand) (left []*entry) {
	return d.change(func() {
		d.names.Remove(name)
		d.names.Add(name, got)
		var others []string
		if l := d.leaves[got.entry.pair.Fingerprint]; l != nil {
			others = l.names
		}
		d.relink(got.entry, append(slices.Clone(others), name))
	})
}

// remove takes the entry of a name away.
func (d *demanded) remove(name string) (left []*entry) {
	return d.change(func() { d.names.Remove(name) })
}

// review drops the names that x does not get on demand, and those that are too many for it.
func (d *demanded) review(x *index) (left []*entry) {
	return d.change(func() {
		d.names.Resize(x.cfg.MaxOnDemand)
		for _, name := range d.names.Keys() {
			covered, all := x.demands(name)
			got, _ := d.names.Peek(name)
			switch {
			case !covered:
				d.names.Remove(name)
			case got.rules != all:
				got.rules = all
				d.relink(got.entry, d.leaves[got.entry.pair.Fingerprint].names)
			}
		}
	})
}

// change returns the entries that have lost all their names by what do does.
func (d *demanded) change(do func()) (left []*entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
	left, d.left = d.left, nil
	return slices.DeleteFunc(left, func(e *entry) bool { return d.leaves[e.pair.Fingerprint] != nil })
}

// unlink takes a name from its leaf. The LRU calls it for every name that leaves.
func (d *demanded) unlink(name string, got *demand) {
	rest := slices.Clone(d.leaves[got.entry.pair.Fingerprint].names)
	d.relink(got.entry, slices.DeleteFunc(rest, func(other string) bool { return other == name }))
}

// relink makes the leaf of an entry one of these names.
func (d *demanded) relink(e *entry, names []string) {
	if len(names) == 0 {
		delete(d.leaves, e.pair.Fingerprint)
		d.left = append(d.left, e)
		return
	}
	l := &leaf{entry: e, names: sorted(names...), source: SourceOnDemand}
	for i, name := range l.names {
		got, _ := d.names.Peek(name)
		if i == 0 {
			l.rules = got.rules
		}
		l.rules = l.rules.and(got.rules)
	}
	d.leaves[e.pair.Fingerprint] = l
}
