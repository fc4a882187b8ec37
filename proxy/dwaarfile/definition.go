package dwaarfile

import "strings"

// snippet is text for later.
type snippet struct {
	name Token
	body *body
}

// defines is the name in a line like (name), "" for other lines.
func (l *line) defines(open string) string {
	first := l.tokens[0]
	name, opened := strings.CutPrefix(first.Text, open)
	name, closed := strings.CutSuffix(name, ")")
	if !opened || !closed || first.Quote != Bare || len(l.tokens) > 1 {
		return ""
	}
	return name
}

func (p *parser) defineSnippet(l *line, f *frame) {
	name := l.defines("(")
	switch known := p.snippets[name]; {
	case l.block == nil:
		p.problem(l.tokens[0], f, "the snippet (%s) has no block", name)
	case known != nil:
		p.problem(l.tokens[0], f, "the snippet (%s) stands at %s already", name, known.name.Pos)
	default:
		p.snippets[name] = &snippet{name: l.tokens[0], body: l.block}
	}
}

func (p *parser) namedRoute(l *line, f *frame) {
	name := l.tokens[0]
	name.Text = l.defines("&(")
	name.Via = f.via()
	p.block(name, "a named route")
	if l.block == nil {
		p.problem(name, f, "the named route &(%s) has no block", name.Text)
		return
	}
	for _, known := range p.file.Routes {
		if known.Name.Text == name.Text {
			p.problem(name, f, "the named route &(%s) stands at %s already", name.Text, known.Name.Pos)
		}
	}
	p.file.Routes = append(p.file.Routes, &Directive{Name: name, Block: p.blockOf(l, f)})
}
