package dwaarfile

import (
	"regexp"
	"strconv"
	"strings"
)

// placeholder finds {args[0]}, {args[1:]}, {block} and {blocks.key}; one behind
// a backslash is text.
var placeholder = regexp.MustCompile(`\\?\{(?:args\[([^\]{}]*)\]|args\.(\d+)|block|blocks\.([^{}\s]+))\}`)

// isBlockPlaceholder tells whether l stands for the lines of a passed block.
func (l *line) isBlockPlaceholder() bool {
	if len(l.tokens) != 1 || l.block != nil || l.tokens[0].Quote != Bare {
		return false
	}
	text := l.tokens[0].Text
	return text == "{block}" || strings.HasPrefix(text, "{blocks.") && strings.HasSuffix(text, "}")
}

// passedBlock reads the lines that the import passed for {block} or
// {blocks.key}, in the frame in which they were written.
func (p *parser) passedBlock(tok Token, f *frame, read func([]*line, *frame)) {
	if f == nil {
		p.problem(tok, f, "%s stands outside of a snippet or imported file", tok.Text)
		return
	}
	if !p.spend(tok, f, 1) || f.block == nil {
		return
	}
	f.passed(tok.Text, read)
}

// passed gives the lines that f was passed for a {block} or {blocks.key}.
func (f *frame) passed(placeholder string, read func([]*line, *frame)) {
	if f == nil || f.block == nil {
		return
	}
	key, keyed := strings.CutPrefix(strings.TrimSuffix(placeholder, "}"), "{blocks.")
	if !keyed {
		read(f.block.lines, f.caller)
		return
	}
	f.caller.find(key, f.block.lines, read)
}

// find gives the lines of the blocks named key among lines, which stand in f and
// may pass on what f was passed itself.
func (f *frame) find(key string, lines []*line, read func([]*line, *frame)) {
	for _, l := range lines {
		switch {
		case l.isBlockPlaceholder():
			f.passed(l.tokens[0].Text, func(lines []*line, f *frame) { f.find(key, lines, read) })
		case len(l.tokens) == 1 && l.tokens[0].Text == key && l.block != nil:
			read(l.block.lines, f)
		}
	}
}

// replaceArgs gives the tokens of a line with {args[…]} replaced in frame f; at
// is where to complain about their number. A range like {args[1:]} is a token of its own and becomes as many as there are.
func (p *parser) replaceArgs(at Token, tokens []Token, f *frame) []Token {
	out := make([]Token, 0, len(tokens))
	for _, tok := range tokens {
		tok.Via = f.via()
		if !strings.Contains(tok.Text, "{args") && !strings.Contains(tok.Text, "{block") {
			out = append(out, tok)
			continue
		}
		out = append(out, p.replaceToken(tok, f)...)
	}
	if !p.spend(at, f, len(out)+1) {
		return nil
	}
	return out
}

// replaceToken gives what tok becomes: one token, except for a range.
func (p *parser) replaceToken(tok Token, f *frame) []Token {
	at := placeholder.FindStringSubmatchIndex(tok.Text)
	if whole := at != nil && at[0] == 0 && at[1] == len(tok.Text) && tok.Quote == Bare; whole && at[2] >= 0 {
		if from, to, isRange := strings.Cut(tok.Text[at[2]:at[3]], ":"); isRange {
			return p.replaceRange(tok, f, from, to)
		}
	}
	var text strings.Builder
	rest := tok.Text
	for at != nil && text.Len() <= MaxTokenSize {
		text.WriteString(rest[:at[0]])
		p.replaceOne(&text, tok, f, rest[at[0]:at[1]])
		rest = rest[at[1]:]
		at = placeholder.FindStringSubmatchIndex(rest)
	}
	text.WriteString(rest)
	if text.Len() > MaxTokenSize {
		p.problem(tok, f, "this becomes longer than %d MiB by its arguments", MaxTokenSize>>20)
		return nil
	}
	p.textSize += text.Len()
	tok.Text = text.String()
	return []Token{tok}
}

// replaceOne writes what one placeholder stands for.
func (p *parser) replaceOne(text *strings.Builder, tok Token, f *frame, found string) {
	inside, isIndex := strings.CutPrefix(strings.TrimSuffix(found, "]}"), "{args[")
	switch {
	case strings.HasPrefix(found, `\`):
		text.WriteString(found)
	case strings.HasPrefix(found, "{args."):
		p.problem(tok, f, "%s is an old spelling: write {args[%s]}", found, strings.Trim(found, "{}args."))
	case !isIndex:
		p.problem(tok, f, "%s must stand alone on its line", found)
	case strings.Contains(inside, ":"):
		p.problem(tok, f, "%s stands for several arguments and must be a word of its own, without quotes", found)
	default:
		if i, ok := p.index(tok, f, found, inside, len(f.arguments())-1); ok {
			text.WriteString(f.args[i].Text)
		}
	}
}

func (f *frame) arguments() []Token {
	if f == nil {
		return nil
	}
	return f.args
}

// replaceRange gives the arguments of {args[from:to]}.
func (p *parser) replaceRange(tok Token, f *frame, from, to string) []Token {
	args := f.arguments()
	first, last, ok := 0, len(args), true
	if from != "" {
		first, ok = p.index(tok, f, tok.Text, from, len(args))
	}
	if to != "" && ok {
		last, ok = p.index(tok, f, tok.Text, to, len(args))
	}
	switch {
	case f == nil:
		p.problem(tok, f, "%s stands outside of a snippet or imported file", tok.Text)
		return nil
	case !ok:
		return nil
	case first > last:
		p.problem(tok, f, "%s ends before it begins", tok.Text)
		return nil
	}
	out := make([]Token, 0, last-first)
	for _, arg := range args[first:last] {
		out = append(out, Token{Text: arg.Text, Quote: arg.Quote, Pos: tok.Pos, Via: tok.Via})
	}
	return out
}

// index reads a position in the arguments of f, at most limit.
func (p *parser) index(tok Token, f *frame, found, number string, limit int) (int, bool) {
	i, err := strconv.Atoi(number)
	switch {
	case err != nil || i < 0:
		p.problem(tok, f, "%s: %q is no number of an argument", found, number)
	case f == nil:
		p.problem(tok, f, "%s stands outside of a snippet or imported file", found)
	case i > limit:
		p.problem(tok, f, "%s: the import at %s passes %s", found, f.trail.Pos, count(len(f.args), "argument"))
	default:
		return i, true
	}
	return 0, false
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// spend counts what the text becomes, and stops the reading at the limit:
// snippets that import snippets can grow without bound.
func (p *parser) spend(at Token, f *frame, tokens int) bool {
	p.tokenCount += tokens
	if p.stopped {
		return false
	}
	if p.tokenCount > MaxTokens || p.textSize > maxText {
		p.problem(at, f, "the text becomes too large by its imports: the limit is %d words or %d MiB", MaxTokens, maxText>>20)
		p.stopped = true
	}
	return !p.stopped
}
