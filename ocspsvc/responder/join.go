package responder

import (
	"context"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// Joined are signers at one place, each for its own CAs, as those with different
// databases or settings have to be. A request goes to the first that answers for
// the CA of its first CertID.
type Joined []*Signer

// Respond implements ocspsvc.Source.
func (all Joined) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	if s := all.signerOf(req); s != nil {
		return s.Respond(ctx, req)
	}
	return nil, fmt.Errorf("no signer here answers for that CA: %w", ocspsvc.ErrNotOurs)
}

// Prepared implements Preparer: it answers everything. The first signer answers what
// is nobody's.
func (all Joined) Prepared(ctx context.Context, der []byte) *Answer {
	now := time.Now()
	for _, s := range all {
		if a := s.glance(der, now); a != nil {
			s.counts.answer(a.word)
			return a
		}
	}
	if req, err := ocspsvc.ParseRequest(der); err == nil {
		if s := all.signerOf(req); s != nil {
			return s.Prepared(ctx, der)
		}
	}
	if len(all) > 0 {
		return all[0].Prepared(ctx, der)
	}
	return errorAnswer(ocspsvc.Unauthorized)
}

func (all Joined) signerOf(req *ocspsvc.Request) *Signer {
	if len(req.CertIDs) == 0 {
		return nil
	}
	for _, s := range all {
		if a, _ := s.authorityOf(&req.CertIDs[0]); a != nil {
			return s
		}
	}
	return nil
}
