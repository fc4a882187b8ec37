package tlsstore

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// Record is a certificate in the catalog, as status shows it. Times are UTC.
type Record struct {
	Names       []string    `json:"names"` // of its sites; "" is the site for everything else
	Source      Source      `json:"source"`
	Issuer      string      `json:"issuer"`
	Serial      string      `json:"serial"`
	Fingerprint Fingerprint `json:"fingerprint"`
	NotBefore   time.Time   `json:"not_before"`
	NotAfter    time.Time   `json:"not_after"`
	MustStaple  bool        `json:"must_staple,omitempty"`
	Alarm       bool        `json:"must_staple_alarm,omitempty"` // served without the staple its clients insist on (S13)
	Revoked     bool        `json:"revoked,omitempty"`
	Waiting     bool        `json:"waiting,omitempty"` // served to nobody yet; Names are its own (see Binding.Waiting)
	OCSPOff     bool        `json:"-"`                 // `ocsp off` in every site that has it: it needs no staple

	Note any `json:"-"` // of its sites, see Binding.Note

	// Chain is the DER of the chain, leaf first, or nil if it is not in memory: Store.Chain
	// has it then.
	Chain [][]byte `json:"-"`
}

// Catalog yields every certificate that is served or waits to be, each once, in no particular
// order. It is of one moment, however long the caller takes. Slices in a Record are not to be
// changed.
func (s *Store) Catalog() iter.Seq[Record] {
	x, demanded, now := s.current.Load(), s.demanded.all(), time.Now()
	return func(yield func(Record) bool) {
		for fingerprint, l := range x.leaves {
			if too := demanded[fingerprint]; too != nil {
				l = l.and(too)
			}
			if !yield(l.record(x.cfg, now)) {
				return
			}
		}
		for fingerprint, l := range demanded {
			if x.leaves[fingerprint] == nil && !yield(l.record(x.cfg, now)) {
				return
			}
		}
	}
}

// and returns what the catalog has of a leaf that is in the index and was got on demand too.
func (l *leaf) and(demanded *leaf) *leaf {
	if l.waiting {
		return demanded
	}
	both := l.with(*demanded)
	return &both
}

// Note is the Note of a certificate's sites, see Binding.Note; nil if there is none.
func (s *Store) Note(fingerprint Fingerprint) any {
	if l := s.leaf(fingerprint); l != nil {
		return l.note
	}
	return nil
}

// Status returns the catalog by names.
func (s *Store) Status() []Record {
	return slices.SortedFunc(s.Catalog(), func(a, b Record) int {
		if c := slices.Compare(a.Names, b.Names); c != 0 {
			return c
		}
		return strings.Compare(a.Serial, b.Serial)
	})
}

func (l *leaf) record(cfg Config, now time.Time) Record {
	p, st := l.entry.pair, l.entry.state.Load()
	r := Record{
		Names:       l.names,
		Source:      l.source,
		Issuer:      p.Issuer,
		Serial:      p.Serial,
		Fingerprint: p.Fingerprint,
		NotBefore:   p.NotBefore,
		NotAfter:    p.NotAfter,
		MustStaple:  p.MustStaple,
		Alarm:       l.alarm(cfg, now),
		Revoked:     st.revoked,
		Waiting:     l.waiting,
		OCSPOff:     l.ocspOff,
		Note:        l.note,
	}
	if st.plain != nil {
		r.Chain = st.plain.Certificate
	}
	return r
}
