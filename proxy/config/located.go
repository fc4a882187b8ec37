package config

import (
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/match"
)

// Located says where a directive stands, and its options: problems with the
// files, databases and addresses that they name belong there.
type Located struct {
	// Position is that of the directive, or of the first of several that say
	// the same.
	Position dwaarfile.Position
	// Places are its options.
	Places []Place
}

// Place is an option, what it names, and where it stands.
type Place struct {
	Option, Names string
	Position      dwaarfile.Position
}

// PlaceOf is where a problem belongs that begins with the name of an option, and
// may tell a file that it names.
func (at *Located) PlaceOf(problem string) dwaarfile.Position {
	found := at.Position
	for _, p := range slices.Backward(at.Places) { // the first, if none is told
		if !strings.HasPrefix(problem, p.Option) {
			continue
		}
		found = p.Position
		if p.Names != "" && strings.Contains(problem, p.Names) {
			return found
		}
	}
	return found
}

// note takes down what an option names.
func (at *Located) note(l line, tok dwaarfile.Token, names string) {
	at.Places = append(at.Places, Place{Option: l.Name.Text, Names: names, Position: tok.Pos})
}

// noteBlock takes down where the options of a block stand.
func (at *Located) noteBlock(l line) {
	for _, d := range l.block() {
		if len(d.Args) > 0 {
			at.Places = append(at.Places, Place{Option: d.Name.Text, Position: d.Args[0].Pos})
		}
	}
}

// complain reports the lines of errors where they belong, but for those about
// options of which something is said already.
func (at *Located) complain(l line, said func(option string) bool, errs ...error) (wrong bool) {
	for _, err := range errs {
		if err == nil {
			continue
		}
		wrong = true
		for text := range strings.SplitSeq(err.Error(), "\n") {
			if option, _, _ := strings.Cut(text, ":"); !said(option) {
				l.b.problems = append(l.b.problems, dwaarfile.Problem{Pos: at.PlaceOf(text), Message: l.title() + ": " + text})
			}
		}
	}
	return wrong
}

// written tells whether an option stands in the block of l.
func (l line) written(option string) bool {
	return slices.ContainsFunc(l.block(), func(d *dwaarfile.Directive) bool { return d.Name.Text == option })
}

// onlyMatcher takes apart a line that has nothing but a matcher and a block.
func (l line) onlyMatcher() (set *match.Set, ok bool) {
	set, args, ok := l.matcher()
	if ok && len(args) > 0 {
		l.problem(args[0], "%q is no matcher: *, a /path or a @name", args[0].Text)
		return nil, false
	}
	return set, ok
}
