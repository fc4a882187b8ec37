package config

import (
	"reflect"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
	"dwaar/proxy/placeholder"
	"dwaar/proxy/spelling"
)

// use is a directive of a site, whose texts may name what a regular expression
// found.
type use struct {
	name      dwaarfile.Token
	directive handler.Directive
	set       *match.Set
}

// capture notes the names under which a set keeps what it finds.
func (s *site) capture(set match.Set) {
	if set.PathRegexp != nil {
		s.captures = append(s.captures, set.PathRegexp.Name)
	}
	for _, f := range append(set.HeaderRegexp, set.VarsRegexp...) {
		s.captures = append(s.captures, f.Name)
	}
	for _, inner := range set.Not {
		s.capture(inner)
	}
}

// checkCaptures refuses {re.NAME.GROUP} where no regular expression of the site
// has this name: it would always be empty.
func (s *site) checkCaptures(b *builder) {
	known := map[string]bool{}
	for _, name := range s.captures {
		known[name] = true
	}
	for _, u := range s.uses {
		see := func(text string) {
			for _, name := range placeholder.Captures(text) {
				if !known[name] {
					b.problem(u.name, "%s: {re.%s.…} is always empty: no regular expression of the site is called %s%s", u.name.Text, name, name, s.likelyCapture(name))
				}
			}
		}
		eachText(reflect.ValueOf(u.directive), see)
		eachText(reflect.ValueOf(u.set), see)
	}
}

func (s *site) likelyCapture(name string) string {
	if close := spelling.Closest(name, s.captures); close != "" {
		return ": did you mean " + close + "?"
	}
	return ""
}

// eachText shows all texts of a configuration, those of nested directives left
// out: they are uses of their own.
func eachText(v reflect.Value, see func(string)) {
	switch v.Kind() {
	case reflect.String:
		see(v.String())
	case reflect.Struct:
		for _, field := range v.Fields() {
			eachText(field, see)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[handler.Chain]() {
			return
		}
		for i := range v.Len() {
			eachText(v.Index(i), see)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			eachText(v.Elem(), see)
		}
	}
}
