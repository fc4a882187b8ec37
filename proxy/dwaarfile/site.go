package dwaarfile

import "strings"

// site reads one site at the start of lines and returns how many of them it
// used: a comma at the end of a line continues the addresses on the next one,
// and the { may stand there, too.
func (p *parser) site(lines []*line, f *frame) int {
	p.damage.hit = false
	a := &addresses{p: p, f: f}
	used := 0
	for {
		l := lines[used]
		used++
		a.add(l)
		if l.block != nil || !a.expecting || used == len(lines) || len(lines[used].tokens) == 0 {
			break
		}
	}
	last := lines[used-1]
	head := lines[0].tokens[0]
	if last.block == nil {
		used += p.adoptBlock(last, lines[used:])
	}
	a.end(last)
	defer p.block(head, "a site")
	site := &Site{Addresses: a.tokens}
	if last.block != nil {
		site.Block = p.blockOf(last, f)
	} else {
		site.Block = p.unbracedBlock(head, lines[used:], f)
		used = len(lines)
	}
	p.seenSites++
	if !p.damage.in(head.Pos, site.Block.Close) {
		p.file.Sites = append(p.file.Sites, site)
	}
	return used
}

// unbracedBlock is the rest of a file whose only site has no braces.
func (p *parser) unbracedBlock(head Token, rest []*line, f *frame) *Block {
	for _, ref := range head.blank() {
		p.problem(Token{Pos: ref.pos}, f, "%s, and leaves this line empty: write a site in { } below it", ref.why())
	}
	switch {
	case f != nil:
		p.problem(head, f, "the site %q needs a block in { }: only the one site of a file that is not imported may do without", head.Text)
	case p.seenSites > 0:
		p.problem(head, f, "the site %q needs a block in { }: only the one site of a file may do without", head.Text)
	}
	return &Block{Directives: p.directives(rest, f)}
}

// addresses collects the addresses of one site.
type addresses struct {
	p         *parser
	f         *frame
	tokens    []Token
	expecting bool  // the last one ended with a comma
	comma     Token // that one
	bad       bool
}

func (a *addresses) add(l *line) {
	for _, tok := range l.tokens {
		a.checkReferences(tok.emptied())
	}
	for _, tok := range a.p.replaceArgs(l.tokens[0], l.tokens, a.f) {
		a.addToken(tok)
	}
}

func (a *addresses) addToken(tok Token) {
	text, comma := strings.CutSuffix(tok.Text, ",")
	switch {
	case text == "" && comma && (a.expecting || len(a.tokens) == 0):
		a.problem(tok, "a comma without an address before it")
	case text == "" && !comma:
		a.problem(tok, "an empty site address")
	case text == "import" && tok.first:
		a.problem(tok, "an import cannot stand among the addresses of a site")
	case strings.Contains(text, ","):
		a.problem(tok, "the site address %q contains a comma: separate addresses by a comma and a space", tok.Text)
	case strings.HasSuffix(text, "{"):
		a.problem(tok, "the site address %q ends with a brace: write a space before the {", tok.Text)
	case strings.HasPrefix(text, "(") || strings.HasPrefix(text, "&("):
		a.problem(tok, "%q is no site address; a snippet or named route is defined by its name alone, without spaces", tok.Text)
	case text != "":
		address := tok
		address.Text = text
		a.tokens = append(a.tokens, address)
	}
	a.expecting, a.comma = comma, tok
}

func (a *addresses) problem(at Token, format string, args ...any) {
	a.bad = true
	a.p.problem(at, a.f, format, args...)
}

// checkReferences refuses environment variables that became nothing in an
// address: the site would silently answer for other names than meant. An empty
// default beside other text is how one says that nothing is meant.
func (a *addresses) checkReferences(refs []reference) {
	for _, ref := range refs {
		if ref.alone || ref.set || !ref.hasDefault {
			a.problem(Token{Pos: ref.pos}, "%s, and leaves a site address empty", ref.why())
		}
	}
}

// end checks what can only be seen behind the last address.
func (a *addresses) end(last *line) {
	if last.block != nil {
		a.checkReferences(last.end.emptied())
		a.checkReferences(last.end.blank())
	}
	switch {
	case a.expecting && !a.bad:
		a.problem(a.comma, "an address is missing behind this comma")
	case len(a.tokens) == 0 && !a.bad:
		a.problem(*last.end, "a site without an address")
	}
}
