package server

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/proxy/admin"
	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
)

// loadResponders reads the certificates and keys of responders.
func (p *plan) loadResponders() (problems dwaarfile.Problems) {
	for i := range p.cfg.OCSPResponders {
		said := &p.cfg.OCSPResponders[i]
		loaded, err := responders.Load(responders.Config{Answers: said.Answers, Records: said.Records})
		if err != nil {
			problems = append(problems, placed(&said.Located, "ocsp_responder", err)...)
			continue
		}
		p.ocsp = append(p.ocsp, loaded)
		for _, warning := range loaded.Warnings {
			p.warnings = append(p.warnings, placed(&said.Located, "ocsp_responder", errors.New(warning))...)
		}
		p.warnOfPassword(said)
	}
	return problems
}

// warnOfPassword warns of a Dwaarfile that tells everybody on this machine how
// to write to a database.
func (p *plan) warnOfPassword(said *config.OCSPResponder) {
	at, database := said.PlaceOf("database"), said.Records.Database
	if database.Secret() && tellsEverybody(at, string(database)) {
		p.warn(at, fmt.Sprintf("ocsp_responder: database: everybody on this machine can read the password in this file: chmod o-r %s, or write database file:PATH or env:NAME", at.File))
	}
}

// tellsEverybody reports whether everybody on this machine can read a secret in
// the file where it is used; what came by {$NAME} or {env.NAME} is not in it.
func tellsEverybody(at dwaarfile.Position, secret string) bool {
	if !everybodyReads(at.File) {
		return false
	}
	text, err := os.ReadFile(at.File)
	return err == nil && strings.Contains(string(text), secret)
}

func everybodyReads(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

// responders are those of the status.
func (c controller) responders() (all []admin.Responder) {
	for _, s := range c.ocsp.Status() {
		r := admin.Responder{
			Name: s.Name, Database: s.Database.String(), Ready: s.Ready, Error: s.Status.Database,
			CacheEntries: s.CacheEntries, CacheBytes: s.CacheBytes,
		}
		for _, signer := range s.Signers {
			r.Signers = append(r.Signers, admin.Signer{Issuer: signer.Issuer, Signer: signer.Signer, State: signer.State, NotAfter: signer.NotAfter})
		}
		all = append(all, r)
	}
	return all
}
