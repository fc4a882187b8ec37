package tlsstore

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// Record is a certificate in the catalog, as status shows it. Times are UTC.
type Record struct {
	Names       []string    `json:"names"`  // of its sites; "" is the site for everything else
	Source      Source      `json:"source"` // "manual"
	Issuer      string      `json:"issuer"`
	Serial      string      `json:"serial"`
	Fingerprint Fingerprint `json:"fingerprint"`
	NotBefore   time.Time   `json:"not_before"`
	NotAfter    time.Time   `json:"not_after"`
	MustStaple  bool        `json:"must_staple,omitempty"`
	Alarm       bool        `json:"must_staple_alarm,omitempty"` // served without the staple its clients insist on (S13)
	Revoked     bool        `json:"revoked,omitempty"`
	OCSPOff     bool        `json:"-"` // `ocsp off` in every site that has it: it needs no staple

	// Chain is the DER of the chain, leaf first, or nil if it is not in memory: Store.Chain
	// has it then.
	Chain [][]byte `json:"-"`
}

// Catalog yields every certificate that is served, each once, in no particular order. It is
// of one moment, however long the caller takes. Slices in a Record are not to be changed.
func (s *Store) Catalog() iter.Seq[Record] {
	x, now := s.current.Load(), time.Now()
	return func(yield func(Record) bool) {
		for _, l := range x.leaves {
			if !yield(l.record(x.cfg, now)) {
				return
			}
		}
	}
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
		Source:      p.Source,
		Issuer:      p.Issuer,
		Serial:      p.Serial,
		Fingerprint: p.Fingerprint,
		NotBefore:   p.NotBefore,
		NotAfter:    p.NotAfter,
		MustStaple:  p.MustStaple,
		Alarm:       l.alarm(cfg, now),
		Revoked:     st.revoked,
		OCSPOff:     l.ocspOff,
	}
	if st.plain != nil {
		r.Chain = st.plain.Certificate
	}
	return r
}
