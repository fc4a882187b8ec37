package admin

import "strings"

// find returns the certificates meant by name: those that carry exactly this
// name or this fingerprint, else those whose wildcard covers it.
func find(certs []Certificate, name string) []Certificate {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if found := carrying(certs, name); len(found) > 0 {
		return found
	}
	_, parent, ok := strings.Cut(name, ".")
	if !ok {
		return nil
	}
	return carrying(certs, "*."+parent)
}

func carrying(certs []Certificate, name string) []Certificate {
	var found []Certificate
	for _, c := range certs {
		if c.carries(name) {
			found = append(found, c)
		}
	}
	return found
}

func (c Certificate) carries(name string) bool {
	if strings.EqualFold(c.Fingerprint, name) {
		return true
	}
	for _, n := range c.Names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
