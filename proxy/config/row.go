package config

import (
	"fmt"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/spelling"
)

// row is one word of the language.
type row[T any] struct {
	name  string
	usage string // what follows the name; see arity
	doc   string // one line, for docs/dwaarfile.md
	in    place  // where a directive may stand; zero for options
	many  bool   // it may stand more than once

	// decode reads one line into what the table fills. nil: refused.
	decode func(line, T)

	instead string // what to write instead of something refused
}

// place is where a directive may stand.
type place int

const (
	inSite place = 1 << iota
	inHandle
)

// table is what may stand in one kind of block.
type table[T any] struct {
	of   string // the block, "" for sites and global options
	noun string // what its words are: "directive", "global option", "option"
	rows []row[T]
}

func (t *table[T]) find(name string) *row[T] {
	for i := range t.rows {
		if t.rows[i].name == name {
			return &t.rows[i]
		}
	}
	return nil
}

// refused makes rows that only say no: by name, so that nobody wonders whether
// a word was understood.
func refused[T any](names ...string) []row[T] {
	rows := make([]row[T], len(names))
	for i, name := range names {
		rows[i] = row[T]{name: name, in: inSite | inHandle}
	}
	return rows
}

// read decodes every line of a block into what the table fills.
func (t *table[T]) read(b *builder, ds []*dwaarfile.Directive, at place, into T) {
	seen := map[string]dwaarfile.Token{}
	for _, d := range ds {
		l := line{Directive: d, b: b, of: t.of}
		l.scope, _ = any(into).(*scope)
		r := t.find(d.Name.Text)
		if r == nil {
			t.unknown(l)
			continue
		}
		if !r.accepts(l, at) {
			continue
		}
		if first, twice := seen[r.name]; twice && !r.many {
			b.problem(d.Name, "%s stands at %s already", l.title(), first.Pos)
			continue
		}
		seen[r.name] = d.Name
		r.decode(l, into)
	}
}

// accepts checks what can be checked before decoding, and refuses by name.
func (r *row[T]) accepts(l line, at place) bool {
	instead := r.instead
	if instead != "" {
		instead = ": " + instead
	}
	switch {
	case r.decode == nil:
		l.b.problem(l.Name, "%s is not supported by dwaar%s", l.title(), instead)
	case at != 0 && r.in&at == 0:
		l.b.problem(l.Name, "%s stands in a site itself, not in a handle or route", r.name)
	case !r.fits(l):
		l.b.problem(l.Name, "%s: write %s", l.title(), strings.TrimSpace(r.name+" "+r.usage))
	default:
		return true
	}
	return false
}

// fits compares a line with the usage of r: every word is an argument, one in
// brackets may be left out, one that ends with … may be repeated, and "{ … }"
// is a block, which may be left out if it stands in brackets.
func (r *row[T]) fits(l line) bool {
	least, most, block := arity(r.usage)
	if l.Block != nil && block == 0 || l.Block == nil && block == 2 {
		return false
	}
	return len(l.Args) >= least && (most < 0 || len(l.Args) <= most)
}

// arity counts the arguments of a usage; most is -1 for any number. block is 0
// for no block, 1 for one that may be left out, 2 for one that may not.
func arity(usage string) (least, most, block int) {
	switch {
	case strings.Contains(usage, "[{ … }]"):
		block = 1
	case strings.Contains(usage, "{ … }"):
		block = 2
	}
	usage = strings.NewReplacer("[{ … }]", "", "{ … }", "").Replace(usage)
	for word := range strings.FieldsSeq(usage) {
		if !strings.HasPrefix(word, "[") {
			least++
		}
		if strings.Contains(word, "…") {
			most = -1
		}
		if most >= 0 {
			most++
		}
	}
	return least, most, block
}

// unknown refuses a word that is in no row, and says what may have been meant.
func (t *table[T]) unknown(l line) {
	name := l.Name.Text
	prefix := ""
	if t.of != "" {
		prefix = t.of + ": "
	}
	hint := l.b.language.elsewhere(t.of, t.noun, name)
	if hint == "" {
		names := make([]string, len(t.rows))
		for i, r := range t.rows {
			names[i] = r.name
		}
		if close := spelling.Closest(name, names); close != "" {
			hint = fmt.Sprintf(": did you mean %s?", close)
		}
	}
	l.b.problem(l.Name, "%sunknown %s %q%s", prefix, t.noun, name, hint)
}
