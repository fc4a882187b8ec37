package config

import (
	"regexp"

	"dwaar/proxy/dwaarfile"
)

var envReference = regexp.MustCompile(`\{env\.([^{}]*)\}`)

// expand is the text of an argument with every {env.NAME} filled in now: it is
// for options that are read once. A variable that is not set is a problem, and
// ok is false.
func (l line) expand(tok dwaarfile.Token) (text string, ok bool) {
	ok = true
	text = envReference.ReplaceAllStringFunc(tok.Text, func(reference string) string {
		name := envReference.FindStringSubmatch(reference)[1]
		if l.b.env != nil {
			if value, set := l.b.env(name); set {
				return value
			}
		}
		l.problem(tok, "the environment variable %q is not set", name)
		ok = false
		return ""
	})
	return text, ok
}
