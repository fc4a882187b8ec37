package acme

import (
	"net/netip"
	"strings"
)

// validName reports whether name is a host name in its ASCII form, in lower case: labels of
// a-z, 0-9, - and _ (RFC 1123 §2.1, and what DNS allows besides).
func validName(name string) bool {
	if len(name) == 0 || len(name) > 253 || isAddress(name) {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

func validLabel(label string) bool {
	if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func validWildcard(name string) bool {
	rest, wildcard := strings.CutPrefix(name, "*.")
	return wildcard && validName(rest)
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// mayAskFor reports whether a client may make us ask about name at all: a host name of two
// labels or more, whose last one is not a number (RFC 3696 §2). Underscores are for records
// other than hosts', and no public CA issues for them.
func mayAskFor(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return validName(name) && len(last) < len(name) &&
		strings.Trim(last, "0123456789") != "" && !strings.Contains(name, "_")
}

// normalName is what a client sent in the form names are kept in.
func normalName(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// matchPolicy is the policy for name: of its own name, then of its wildcard, then of all.
func matchPolicy(policies []Policy, name string) (Policy, bool) {
	_, parent, _ := strings.Cut(name, ".")
	for _, pattern := range []string{name, "*." + parent, ""} {
		for _, p := range policies {
			for _, has := range p.Names {
				if has == pattern {
					return p, true
				}
			}
		}
	}
	return Policy{}, false
}
