package server

import (
	"context"
	"errors"
	"strings"

	"dwaar/cmd/dwaar/internal/relays"
	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/cmd/dwaar/internal/running"
	"dwaar/proxy"
	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
)

// prepared is what a plan's sites need, beside what serves.
type prepared struct {
	*proxy.Prepared
	responders *responders.Change
	relays     *relays.Change
}

// Abort gives up what was not committed.
func (p *prepared) Abort() {
	if p.Prepared != nil {
		p.Prepared.Abort()
	}
	if p.responders != nil {
		p.responders.Abort()
	}
	if p.relays != nil {
		p.relays.Abort()
	}
}

// prepare opens databases, binds and compiles. Where patient, the server of a
// database may be away.
func (s *Server) prepare(ctx context.Context, p *plan, patient bool) (_ *prepared, err error) {
	made := &prepared{}
	defer func() {
		if err != nil {
			made.Abort()
		}
	}()
	if made.responders, err = s.ocsp.Prepare(ctx, p.ocsp, patient); err != nil {
		return nil, placeAll(err, "ocsp_responder", func(i int) *config.Located { return &p.cfg.OCSPResponders[i].Located })
	}
	if made.relays, err = s.relays.Prepare(p.relays, p.guard); err != nil {
		return nil, placeAll(err, "ocsp_relay", func(i int) *config.Located { return &p.cfg.OCSPRelays[i].Located })
	}
	made.Prepared, err = s.http.Prepare(p.cfg.HTTP, s.tlsConfig,
		proxy.WithOCSPResponders(made.responders.Handler), proxy.WithOCSPRelays(made.relays.Handler))
	return made, err
}

// placed are the lines of an error where the options of a directive stand that
// they are about.
func placed(at *config.Located, directive string, err error) (problems dwaarfile.Problems) {
	for text := range strings.SplitSeq(err.Error(), "\n") {
		problems = append(problems, dwaarfile.Problem{Pos: at.PlaceOf(text), Message: directive + ": " + text})
	}
	return problems
}

// placeAll says where the directives stand whose services cannot be had.
func placeAll(err error, directive string, at func(number int) *config.Located) error {
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
		text := strings.Join(strings.Fields(wrong.Error()), " ") // one line, whatever a driver writes
		problems = append(problems, placed(at(wrong.Number), directive, errors.New(text))...)
	}
	return problems.Sorted().Err()
}
