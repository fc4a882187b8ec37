package tlsstore

import "time"

// rules are what one site says of the staple of its certificate; zero is what Config says.
// They are comparable.
type rules struct {
	ocspOff        bool
	onRevoked      OnRevoked
	mustStapleWait time.Duration
	note           any
}

// of is cfg as these rules have it.
func (r rules) of(cfg Config) Config {
	if r.onRevoked != "" {
		cfg.OnRevoked = r.onRevoked
	}
	if r.mustStapleWait != 0 {
		cfg.MustStapleWait = r.mustStapleWait
	}
	return cfg
}

// and are the rules of a certificate that two sites have: it needs no staple if neither wants
// one. In the rest they agree, or the first has its way.
func (r rules) and(other rules) rules {
	off := r.ocspOff && other.ocspOff
	if r.ocspOff {
		r = other
	}
	r.ocspOff = off
	return r
}
