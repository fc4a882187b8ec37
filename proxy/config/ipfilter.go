package config

import (
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

func ipFilterOptions() table[*handler.IPFilter] {
	return table[*handler.IPFilter]{of: "ip_filter", noun: "option", rows: []row[*handler.IPFilter]{
		{name: "allow", usage: "NETWORK|private_ranges…", many: true, doc: "who comes in",
			decode: func(l line, c *handler.IPFilter) { c.Allow = append(c.Allow, l.networks()...) }},
		{name: "deny", usage: "NETWORK|private_ranges…", many: true, doc: "who does not",
			decode: func(l line, c *handler.IPFilter) { c.Deny = append(c.Deny, l.networks()...) }},
		{name: "abort", doc: "closes the connection instead of answering 403",
			decode: func(_ line, c *handler.IPFilter) { c.Abort = true }},
	}}
}

func decodeIPFilter(l line, s *scope) { decodeBlock(l, s, &l.b.language.ipFilter) }

// decodeBlock reads a directive that is a matcher and a block of options.
func decodeBlock[D handler.Directive](l line, s *scope, options *table[*D]) {
	set, args, ok := l.matcher()
	if !ok || l.surplus(args) {
		return
	}
	var directive D
	known := len(l.b.problems)
	options.read(l.b, l.block(), 0, &directive)
	if len(l.b.problems) == known {
		s.add(l, l.Name, set, directive)
	}
}

// networks are the arguments that are addresses and networks.
func (l line) networks() (good match.Networks) {
	for _, tok := range l.Args {
		if _, err := (match.Networks{tok.Text}).Compile(); !l.refuse(tok, err) {
			good = append(good, tok.Text)
		}
	}
	return good
}

// surplus reports what stands where only a matcher may.
func (l line) surplus(args []dwaarfile.Token) bool {
	if len(args) > 0 {
		l.problem(args[0], "%q is no matcher: *, a /path or @name", args[0].Text)
	}
	return len(args) > 0
}
