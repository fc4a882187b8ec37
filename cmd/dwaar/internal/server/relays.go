package server

import (
	"errors"

	"dwaar/cmd/dwaar/internal/relays"
	"dwaar/proxy/admin"
	"dwaar/proxy/dwaarfile"
)

// loadRelays reads the certificates of the CAs that relays answer for.
func (p *plan) loadRelays() (problems dwaarfile.Problems) {
	for i := range p.cfg.OCSPRelays {
		said := &p.cfg.OCSPRelays[i]
		loaded, err := relays.Load(said.Config)
		if err != nil {
			problems = append(problems, placed(&said.Located, "ocsp_relay", err)...)
			continue
		}
		p.relays = append(p.relays, loaded)
	}
	return problems
}

// warnOfRelays says what is dubious about them, when all are loaded and it is
// known who may be asked.
func (p *plan) warnOfRelays() {
	for i, l := range p.relays {
		for _, warning := range append(l.Warnings, l.Blocked(p.guard)...) {
			p.warnings = append(p.warnings, placed(&p.cfg.OCSPRelays[i].Located, "ocsp_relay", errors.New(warning))...)
		}
	}
}

// relays are those of the status.
func (c controller) relays() (all []admin.Relay) {
	for _, s := range c.Server.relays.Status() {
		r := admin.Relay{Name: s.Name, Prefetched: s.Prefetched, Asked: s.Asked, Bytes: s.Bytes, Stored: s.Stored, Issuers: []admin.Relayed{}}
		for _, i := range s.Issuers {
			r.Issuers = append(r.Issuers, admin.Relayed{Issuer: i.Issuer, Responders: i.Responders, Error: i.Error, Since: i.Since})
		}
		all = append(all, r)
	}
	return all
}
