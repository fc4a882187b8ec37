package request

import "regexp"

// variable is a value under a name of the operator's. There are few, so they
// are looked through in order.
type variable struct{ name, value string }

// SetVar gives a variable its value: {vars.NAME}.
func (s *State) SetVar(name, value string) {
	for i := range s.vars {
		if s.vars[i].name == name {
			s.vars[i].value = value
			return
		}
	}
	s.vars = append(s.vars, variable{name, value})
}

// Var is the value of a variable, and whether it was set.
func (s *State) Var(name string) (string, bool) {
	for i := range s.vars {
		if s.vars[i].name == name {
			return s.vars[i].value, true
		}
	}
	return "", false
}

// capture is what a regular expression found, the places of its groups in text
// as regexp.FindStringSubmatchIndex gives them.
type capture struct {
	name       string
	expression *regexp.Regexp
	text       string
	groups     []int
}

// SetCapture keeps what the expression of a matcher found, under the matcher's
// name: {re.NAME.GROUP}. It takes the place of an older one of this name.
func (s *State) SetCapture(name string, expression *regexp.Regexp, text string, groups []int) {
	found := capture{name, expression, text, groups}
	for i := range s.captures {
		if s.captures[i].name == name {
			s.captures = append(s.captures[:i], s.captures[i+1:]...)
			break
		}
	}
	s.captures = append(s.captures, found)
}

// Capture is a group of what was found last under a name, by its number or, if
// that is negative, by its own name. An empty name means whatever was found
// last.
func (s *State) Capture(name string, group int, groupName string) string {
	for i := len(s.captures) - 1; i >= 0; i-- {
		if c := &s.captures[i]; name == "" || c.name == name {
			return c.group(group, groupName)
		}
	}
	return ""
}

func (c *capture) group(group int, name string) string {
	if group < 0 {
		group = c.expression.SubexpIndex(name)
	}
	if group < 0 || 2*group+1 >= len(c.groups) || c.groups[2*group] < 0 {
		return ""
	}
	return c.text[c.groups[2*group]:c.groups[2*group+1]]
}
