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
	entry    *entry
	ocspOff  bool
	watched  *watched // nil if it was not read from files
}

// leaf is an entry in the catalog.
type leaf struct {
	entry   *entry
	names   []string // of all its bindings, sorted
	ocspOff bool     // in all its bindings
}

// sites are the names of one listener, each with its alternatives in order of preference.
type sites struct {
	exact    map[string][]candidate
	wildcard map[string][]candidate // by what follows "*."
	ips      map[netip.Addr][]candidate
	other    []candidate // whatever is nowhere else
}

// candidate is a certificate a name can have.
type candidate struct {
	entry   *entry
	ocspOff bool
}

// newIndex builds the index of bounds whose names have been checked.
func newIndex(cfg Config, bounds []bound) *index {
	x := &index{cfg: cfg, bounds: bounds, listeners: make(map[string]*sites), leaves: make(map[Fingerprint]*leaf, len(bounds))}
	watching := make(map[*watched]bool)
	for _, b := range bounds {
		x.site(b.listener).add(b)
		x.list(b)
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
		case len(list) == 0:
			return one
		case slices.Contains(list, one[0]):
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
	l := x.leaves[b.entry.pair.Fingerprint]
	if l == nil {
		l = &leaf{b.entry, b.names, b.ocspOff}
		x.leaves[b.entry.pair.Fingerprint] = l
		if b.entry.pair.MustStaple {
			x.demanding = append(x.demanding, l)
		}
		return
	}
	l.names = sorted(slices.Concat(l.names, b.names)...)
	l.ocspOff = l.ocspOff && b.ocspOff
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

// lookup returns the alternatives for what a client sent as SNI on a connection to local.
// The order is: the name (without SNI: the address), default_sni without SNI, the listener's
// site for everything, default_sni. Bytes that are no name have none.
func (x *index) lookup(listener, sni string, local netip.Addr) []candidate {
	s := x.listeners[listener]
	if s == nil {
		return nil
	}
	if sni == "" {
		if list, ok := s.ips[local]; ok {
			return list
		}
		if list := s.find(x.cfg.DefaultSNI); list != nil {
			return list
		}
		return s.other
	}
	name, ok := normalName(sni)
	if !ok {
		return nil
	}
	if list := s.find(name); list != nil {
		return list
	}
	if s.other != nil {
		return s.other
	}
	return s.find(x.cfg.DefaultSNI)
}
