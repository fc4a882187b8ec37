package responders

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"dwaar/cmd/dwaar/internal/running"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// Set are the responders of a process.
type Set struct {
	*running.Set[*office]
	log *slog.Logger
}

// New returns an empty set.
func New(log *slog.Logger) *Set { return &Set{running.New[*office](log), log} }

// Change is the step from the responders there are to others. It must be
// committed or aborted.
type Change struct {
	*running.Change[*office]
	log *slog.Logger
}

// Prepare builds what is not there already, beside what runs. Its error joins a
// *[running.Error] for each responder that cannot be had. Where patient, the
// server of a database may be away, and is waited for afterwards.
func (s *Set) Prepare(ctx context.Context, all []*Loaded, patient bool) (*Change, error) {
	wanted := make([]running.Digest, len(all))
	for i, l := range all {
		wanted[i] = l.digest
	}
	change, err := s.Set.Prepare(wanted, func(i int) (*office, error) { return build(ctx, all[i], patient, s.log) })
	if err != nil {
		return nil, err
	}
	return &Change{change, s.log}, nil
}

// Handler answers as these responders do: that of several whose CA is asked
// about. It does so before the change is committed, too, and for a while after
// others have taken its place.
func (c *Change) Handler(numbers []int) (http.Handler, error) {
	for _, n := range numbers {
		if n < 0 || n >= len(c.Services()) {
			return nil, fmt.Errorf("there is no responder %d", n)
		}
	}
	return c.handler(numbers...), nil
}

func (c *Change) handler(numbers ...int) http.Handler {
	var asked responder.Joined
	for _, n := range numbers {
		asked = append(asked, c.Services()[n].signer)
	}
	return responder.Handler(asked, responder.Options{Log: c.log})
}

// Respond implements ocspsvc.Source: the responder answers whose CA is asked
// about, without a network. Another CA is ocspsvc.ErrNotOurs.
func (s *Set) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	var signers responder.Joined
	for _, o := range s.All() {
		signers = append(signers, o.signer)
	}
	return signers.Respond(ctx, req)
}
