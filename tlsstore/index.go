package tlsstore

import (
	"net/netip"
	"slices"
)

// index is everything a handshake looks up. It is immutable: Apply swaps in another one.
type index struct {
	cfg       Config
	bounds    []bound
	listeners map[string]*sites
	leaves    map[Fingerprint]*leaf
	watched   []*watched
	demanding []*leaf // must-staple
}

// bound is a Binding whose certificate has become an entry.
type bound struct {
	listener string
	names    []string // sorted, checked
	entry    *entry   // nil: on demand
	source   Source
	waiting  bool
	rules    rules
	watched  *watched // nil if it was not read from files
	pair     *Pair    // as it was bound, if watched; the files may hold another by now
}

// leaf is an entry in the catalog.
type leaf struct {
	entry   *entry
	names   []string // of all its bindings, sorted; of the certificate if it waits
	source  Source   // manual if it is so in one of its bindings: then its files are the operator's
	rules            // of all its bindings
	waiting bool     // no name has it
}

// sites are the names of one listener, each with its alternatives in order of preference.
type sites struct {
	exact    map[string][]candidate
	wildcard map[string][]candidate // by what follows "*."
	ips      map[netip.Addr][]candidate
	other    []candidate // whatever is nowhere else
}

// candidate is a certificate a name can have. Without an entry it stands, alone in its list,
// for one that is got on demand.
type candidate struct {
	entry *entry
	rules
}

// onDemand reports whether a list stands for certificates that are got on demand.
func onDemand(list []candidate) bool { return len(list) > 0 && list[0].entry == nil }

// newIndex builds the index of bounds whose names have been checked.
func newIndex(cfg Config, bounds []bound) *index {
	x := &index{cfg: cfg, bounds: bounds, listeners: make(map[string]*sites), leaves: make(map[Fingerprint]*leaf, len(bounds))}
	watching := make(map[*watched]bool)
	for _, b := range bounds {
		if !b.waiting {
			x.site(b.listener).add(b)
		}
		if b.entry != nil {
			x.list(b)
		}
		if b.watched != nil && !watching[b.watched] {
			watching[b.watched] = true
			x.watched = append(x.watched, b.watched)
		}
	}
	return x
}

// read returns the bounds of pairs that were read from files.
func (x *index) read() map[*Pair]bound {
	pairs := make(map[*Pair]bound)
	for _, b := range x.bounds {
		if b.watched != nil {
			pairs[b.pair] = b
		}
	}
	return pairs
}

func (x *index) site(listener string) *sites {
	s := x.listeners[listener]
	if s == nil {
		s = &sites{exact: make(map[string][]candidate), wildcard: make(map[string][]candidate), ips: make(map[netip.Addr][]candidate)}
		x.listeners[listener] = s
	}
	return s
}

func (s *sites) add(b bound) {
	// One array for all its names; a second alternative moves to an array of its own.
	one := []candidate{{b.entry, b.rules}}[:1:1]
	add := func(list []candidate) []candidate {
		switch {
		case len(list) == 0, onDemand(list):
			return one
		case onDemand(one), slices.Contains(list, one[0]):
			return list
		}
		return append(list[:len(list):len(list)], one...)
	}
	for _, name := range b.names {
		switch n, _ := parseSiteName(name); {
		case n.exact != "":
			s.exact[n.exact] = add(s.exact[n.exact])
		case n.wildcard != "":
			s.wildcard[n.wildcard] = add(s.wildcard[n.wildcard])
		case n.ip.IsValid():
			s.ips[n.ip] = add(s.ips[n.ip])
		default:
			s.other = add(s.other)
		}
	}
}

// list enters a bound in the catalog.
func (x *index) list(b bound) {
	l, alone := x.leaves[b.entry.pair.Fingerprint], leaf{b.entry, b.names, b.source, b.rules, b.waiting}
	switch {
	case l == nil:
		x.leaves[b.entry.pair.Fingerprint] = &alone
		if b.entry.pair.MustStaple {
			x.demanding = append(x.demanding, &alone)
		}
	case b.waiting: // for what it has already
	case l.waiting:
		*l = alone
	default:
		*l = l.with(alone)
	}
}

// with returns one leaf for two that have the same entry.
func (l *leaf) with(other leaf) leaf {
	both := *l
	both.names = sorted(slices.Concat(l.names, other.names)...)
	both.rules = l.rules.and(other.rules)
	if other.source == SourceManual {
		both.source = SourceManual
	}
	return both
}

func sorted(names ...string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}
