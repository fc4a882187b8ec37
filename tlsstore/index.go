package tlsstore

import (
	"net/netip"
	"slices"
	"strings"
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
	ocspOff  bool
	watched  *watched // nil if it was not read from files
}

// leaf is an entry in the catalog.
type leaf struct {
	entry   *entry
	names   []string // of all its bindings, sorted; of the certificate if it waits
	source  Source   // manual if it is so in one of its bindings: then its files are the operator's
	ocspOff bool     // in all its bindings
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
	entry   *entry
	ocspOff bool
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
	one := []candidate{{b.entry, b.ocspOff}}[:1:1]
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
	l, alone := x.leaves[b.entry.pair.Fingerprint], leaf{b.entry, b.names, b.source, b.ocspOff, b.waiting}
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
	both.ocspOff = l.ocspOff && other.ocspOff
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

// find returns the alternatives of a name in normal form: those of the name itself, or of the
// wildcard for its left-most label. Nil if there are none.
func (s *sites) find(name string) []candidate {
	if list, ok := s.exact[name]; ok {
		return list
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if list, ok := s.wildcard[parent]; ok {
			return list
		}
	}
	if len(s.ips) > 0 && mayBeAddress(name) {
		if ip, err := netip.ParseAddr(name); err == nil {
			return s.ips[ip] // some clients send the address as a name
		}
	}
	return nil
}

// findOrOther is find, or the site for everything else.
func (s *sites) findOrOther(name string) []candidate {
	if list := s.find(name); list != nil {
		return list
	}
	return s.other
}

// lookup returns the alternatives for what a client sent as SNI on a connection to local, and
// the name they are for: its own or default_sni. The order is: the name (without SNI: the
// address), default_sni without SNI, the listener's site for everything, default_sni. Bytes
// that are no name have none.
func (x *index) lookup(listener, sni string, local netip.Addr) (list []candidate, name string) {
	s := x.listeners[listener]
	if s == nil {
		return nil, ""
	}
	if sni == "" {
		if list, ok := s.ips[local]; ok {
			return list, ""
		}
		return s.findOrOther(x.cfg.DefaultSNI), x.cfg.DefaultSNI
	}
	name, ok := normalName(sni)
	if !ok {
		return nil, ""
	}
	if list := s.findOrOther(name); list != nil {
		return list, name
	}
	return s.find(x.cfg.DefaultSNI), x.cfg.DefaultSNI
}

// demands reports whether a listener gets the certificate of a name on demand, and whether
// all that do are without OCSP.
func (x *index) demands(name string) (covered, ocspOff bool) {
	ocspOff = true
	for _, s := range x.listeners {
		if list := s.findOrOther(name); onDemand(list) {
			covered, ocspOff = true, ocspOff && list[0].ocspOff
		}
	}
	return covered, covered && ocspOff
}
