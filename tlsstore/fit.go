package tlsstore

import (
	"fmt"
	"strings"
	"time"
)

// fits refuses a pair that must not be shown to who asks for a name.
func (p *Pair) fits(name string, now time.Time) error {
	switch {
	case p == nil || !p.hasBody():
		return fmt.Errorf("the certificate got for %s has no chain or no key", name)
	case !p.covers(name):
		return fmt.Errorf("certificate %s, got for %s, is for %v", p.Serial, name, p.Names)
	case now.Round(0).After(p.NotAfter):
		return fmt.Errorf("certificate %s, got for %s: %s", p.Serial, name, p.Warning(now))
	}
	return nil
}

// covers reports whether a leaf is for a name, itself or by one left-most label (RFC 9525 §6.3).
func (p *Pair) covers(name string) bool {
	_, parent, _ := strings.Cut(name, ".")
	for _, of := range p.Names {
		if strings.EqualFold(of, name) || strings.EqualFold(of, "*."+parent) {
			return true
		}
	}
	return false
}
