package config

import (
	"regexp"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/match"
)

// alternatives decodes the arguments of a line one by one, each into the part of a set
// that it means. Those that are refused are left out.
func (l line) alternatives(def *definition, add func(set *match.Set, text string)) {
	for _, tok := range l.Args {
		var alone match.Set
		add(&alone, tok.Text)
		if _, err := alone.Compile(); !l.refuse(tok, err) {
			add(&def.set, tok.Text)
		}
	}
}

func decodePathMatcher(l line, def *definition) {
	l.alternatives(def, func(set *match.Set, text string) { set.Path = append(set.Path, text) })
}

func decodeHostMatcher(l line, def *definition) {
	l.alternatives(def, func(set *match.Set, text string) { set.Host = append(set.Host, text) })
}

func decodeMethodMatcher(l line, def *definition) {
	l.alternatives(def, func(set *match.Set, text string) { set.Method = append(set.Method, text) })
}

func decodeProtocolMatcher(l line, def *definition) {
	l.alternatives(def, func(set *match.Set, text string) { set.Protocol = append(set.Protocol, text) })
}

func decodeRemoteIP(l line, def *definition) {
	l.alternatives(def, func(set *match.Set, text string) { set.RemoteIP = append(set.RemoteIP, text) })
}

func decodeClientIP(l line, def *definition) {
	l.alternatives(def, func(set *match.Set, text string) { set.ClientIP = append(set.ClientIP, text) })
}

func decodeQueryMatcher(l line, def *definition) {
	for _, tok := range l.Args {
		key, value, found := strings.Cut(tok.Text, "=")
		if !found && tok.Text != "" {
			l.problem(tok, "%q is no KEY=VALUE; KEY=* is any value of it", tok.Text)
			continue
		}
		pair := match.Parameter{Key: key, Value: value}
		_, err := match.Set{Query: []match.Parameter{pair}}.Compile()
		if l.refuse(tok, err) {
			continue
		}
		def.set.Query = append(def.set.Query, pair)
	}
	if _, err := (match.Set{Query: def.set.Query}).Compile(); err != nil {
		l.refuse(l.Name, err)
	}
}

// decodeHeaderMatcher reads FIELD VALUE, FIELD for any value, and !FIELD for a
// field that is not there.
func decodeHeaderMatcher(l line, def *definition) {
	name, absent := strings.CutPrefix(l.Args[0].Text, "!")
	f := match.Field{Name: name, Absent: absent}
	switch {
	case len(l.Args) == 2:
		f.Value = l.Args[1].Text
	case !absent:
		f.Value = "*"
	}
	for _, other := range def.set.Header {
		if strings.EqualFold(other.Name, name) && (absent || other.Absent) {
			l.problem(l.Args[0], "%s cannot both be there and not: write two matchers", name)
			return
		}
	}
	_, err := match.Set{Header: []match.Field{f}}.Compile()
	if !l.refuse(l.Args[0], err) {
		def.set.Header = append(def.set.Header, f)
	}
}

var captureName = regexp.MustCompile(`^\w+$`)

// expression reads [NAME] PATTERN. Without a name, what the groups find has
// the name of the matcher.
func (l line) expression(args []dwaarfile.Token, def *definition) match.Regexp {
	e := match.Regexp{Name: strings.TrimPrefix(def.name.Text, "@"), Pattern: args[len(args)-1].Text}
	if len(args) == 2 {
		e.Name = args[0].Text
		if !captureName.MatchString(e.Name) {
			l.problem(args[0], "%q is no name: letters, digits and _", e.Name)
		}
	}
	return e
}

func decodePathRegexp(l line, def *definition) {
	e := l.expression(l.Args, def)
	_, err := match.Set{PathRegexp: &e}.Compile()
	if !l.refuse(l.Args[len(l.Args)-1], err) {
		def.set.PathRegexp = &e
	}
}

// fieldExpression reads [NAME] FIELD PATTERN.
func (l line) fieldExpression(def *definition) match.FieldRegexp {
	field := l.Args[len(l.Args)-2]
	named := append(append([]dwaarfile.Token(nil), l.Args[:len(l.Args)-2]...), l.Args[len(l.Args)-1])
	return match.FieldRegexp{Field: field.Text, Regexp: l.expression(named, def)}
}

func decodeHeaderRegexp(l line, def *definition) {
	f := l.fieldExpression(def)
	for _, other := range def.set.HeaderRegexp {
		if strings.EqualFold(other.Field, f.Field) {
			l.problem(l.Name, "%s has an expression already: write both in one, with |", f.Field)
			return
		}
	}
	_, err := match.Set{HeaderRegexp: []match.FieldRegexp{f}}.Compile()
	if !l.refuse(l.Args[len(l.Args)-1], err) {
		def.set.HeaderRegexp = append(def.set.HeaderRegexp, f)
	}
}

func decodeVarsMatcher(l line, def *definition) {
	v := match.Variable{Name: l.Args[0].Text}
	for _, tok := range l.Args[1:] {
		v.Values = append(v.Values, tok.Text)
	}
	_, err := match.Set{Vars: []match.Variable{v}}.Compile()
	if !l.refuse(l.Args[0], err) {
		def.set.Vars = append(def.set.Vars, v)
	}
}

func decodeVarsRegexp(l line, def *definition) {
	f := l.fieldExpression(def)
	_, err := match.Set{VarsRegexp: []match.FieldRegexp{f}}.Compile()
	if !l.refuse(l.Args[len(l.Args)-1], err) {
		def.set.VarsRegexp = append(def.set.VarsRegexp, f)
	}
}

// decodeNot reads a matcher on the same line, or a block of which all must
// match together.
func decodeNot(l line, def *definition) {
	inner := &definition{name: def.name}
	if len(l.Args) == 0 && len(l.block()) == 0 {
		l.problem(l.Name, "a matcher is missing, like not path /api/*")
		return
	}
	inner.read(l.b, l.Directive)
	def.set.Not = append(def.set.Not, inner.set)
}
