package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/cmd/dwaar/internal/running"
	"dwaar/proxy"
	"dwaar/proxy/admin"
	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
)

// prepared is what a plan's sites need, beside what serves.
type prepared struct {
	*proxy.Prepared
	responders *responders.Change
}

// Abort gives up what was not committed.
func (p *prepared) Abort() {
	p.Prepared.Abort()
	p.responders.Abort()
}

// prepare opens databases, binds and compiles. Where patient, the server of a
// database may be away.
func (s *Server) prepare(ctx context.Context, p *plan, patient bool) (*prepared, error) {
	change, err := s.ocsp.Prepare(ctx, p.ocsp, patient)
	if err != nil {
		return nil, p.placeResponders(err)
	}
	http, err := s.http.Prepare(p.cfg.HTTP, s.tlsConfig, proxy.WithOCSPResponders(change.Handler))
	if err != nil {
		change.Abort()
		return nil, err
	}
	return &prepared{http, change}, nil
}

// loadResponders reads the certificates and keys of responders.
func (p *plan) loadResponders() (problems dwaarfile.Problems) {
	for i := range p.cfg.OCSPResponders {
		said := &p.cfg.OCSPResponders[i]
		loaded, err := responders.Load(responders.Config{Answers: said.Answers, Records: said.Records})
		if err != nil {
			problems = append(problems, placed(said, err)...)
			continue
		}
		p.ocsp = append(p.ocsp, loaded)
		for _, warning := range loaded.Warnings {
			p.warnings = append(p.warnings, placed(said, errors.New(warning))...)
		}
		p.warnOfPassword(said)
	}
	return problems
}

// placed are the lines of an error where the options stand that they are about.
func placed(said *config.OCSPResponder, err error) (problems dwaarfile.Problems) {
	for text := range strings.SplitSeq(err.Error(), "\n") {
		problems = append(problems, dwaarfile.Problem{Pos: said.PlaceOf(text), Message: "ocsp_responder: " + text})
	}
	return problems
}

// placeResponders says where those stand that cannot be had.
func (p *plan) placeResponders(err error) error {
	var problems dwaarfile.Problems
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	for _, err := range joined.Unwrap() {
		var wrong *running.Error
		if !errors.As(err, &wrong) {
			return err
		}
		said, text := &p.cfg.OCSPResponders[wrong.Number], strings.Join(strings.Fields(wrong.Error()), " ")
		problems = append(problems, placed(said, errors.New(text))...) // one line, whatever a driver writes
	}
	return problems.Sorted().Err()
}

// warnOfPassword warns of a Dwaarfile that tells everybody on this machine how
// to write to a database.
func (p *plan) warnOfPassword(said *config.OCSPResponder) {
	at := said.PlaceOf("database")
	info, err := os.Stat(at.File)
	if err != nil || info.Mode().Perm()&0o004 == 0 || !said.Records.Database.Secret() {
		return
	}
	text, err := os.ReadFile(at.File)
	if err == nil && strings.Contains(string(text), string(said.Records.Database)) { // and not by {$NAME}
		p.warn(at, fmt.Sprintf("ocsp_responder: database: everybody on this machine can read the password in this file: chmod o-r %s, or write database file:PATH or env:NAME", at.File))
	}
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
