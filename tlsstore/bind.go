package tlsstore

// bind turns bindings into bounds. An entry stays where its leaf does. A pair that is bound
// already stands for what its files have held since.
func (s *Store) bind(bindings []Binding, old *index) []bound {
	entries, watching, again := s.newKeeper(old), make(map[Files]*watched), old.read()
	bounds := make([]bound, len(bindings))
	for i, b := range bindings {
		bounds[i] = bound{listener: b.Listener, names: sorted(b.Names...), rules: b.rules()}
		if b.OnDemand {
			continue
		}
		bounds[i].source = b.Pair.Source
		if known, ok := again[b.Pair]; ok && b.Load == nil && !b.Waiting {
			bounds[i].entry, bounds[i].pair, bounds[i].watched = known.entry, known.pair, known.watched
			continue
		}
		bounds[i].entry = entries.entry(b.Pair, b.Load)
		switch {
		case b.Waiting:
			bounds[i].waiting, bounds[i].names = true, sorted(b.Pair.Names...)
		case b.Load == nil:
			bounds[i].pair, bounds[i].watched = b.Pair, watch(watching, b.Pair)
		}
	}
	return bounds
}

// keeper gives pairs the entries their leaves have already, and shares bytes among chains.
type keeper struct {
	entries map[Fingerprint]*entry
	share   *interner
}

func (s *Store) newKeeper(old *index) *keeper {
	k := &keeper{make(map[Fingerprint]*entry, len(old.leaves)), newInterner()}
	for _, leaves := range []map[Fingerprint]*leaf{old.leaves, s.demanded.all()} {
		for fingerprint, l := range leaves {
			k.entries[fingerprint] = l.entry
			if plain := l.entry.state.Load().plain; plain != nil {
				k.share.learn(plain.Certificate)
			}
		}
	}
	return k
}

func (k *keeper) entry(pair *Pair, load loader) *entry {
	e := k.entries[pair.Fingerprint]
	if e == nil {
		e = newEntry(pair)
		k.entries[pair.Fingerprint] = e
	}
	e.setLoad(load) // first: nothing may drop the body of an entry that cannot load it again
	e.setBody(served(pair, k.share))
	return e
}
