package relay

import (
	"context"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// pass passes a request on that no kept answer fits: with a nonce, or about
// several certificates. All of them have to be of one issuer, as only its
// responder may answer.
//
// If the responder cannot be asked, the answer without a nonce is better than
// none: clients go by its times then (RFC 9919 §4).
func (r *Relay) pass(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	a, err := r.oneAuthority(req)
	if err != nil {
		r.counts.result("foreign")
		return nil, err
	}
	select {
	case r.passing <- struct{}{}:
		defer func() { <-r.passing }()
	default:
		r.counts.result("full")
		return r.without(req, tryLater), nil
	}
	if !a.passes.take(time.Now()) {
		r.counts.result("limited")
		return r.without(req, tryLater), nil
	}
	if err := a.upstream.admit(time.Now()); err != nil {
		return r.said(r.without(req, tryLater)), nil
	}
	response, err := r.askOn(ctx, req, a)
	if left := hasLeft(ctx); left != nil {
		a.upstream.release()
		r.counts.result("left")
		return nil, left
	}
	r.hear(subject{authority: a}, err, time.Now())
	if err != nil {
		r.counts.upstream(string(ocspsvc.ReasonOf(err)))
		return r.said(r.without(req, refusalOf(err))), nil
	}
	r.counts.upstream("passed")
	r.counts.result("passed")
	return response, nil
}

// hasLeft is why nobody waits any more, or nil. A connection may notice a deadline a
// moment before ctx does, and that is not the responder's fault either.
func hasLeft(ctx context.Context) error {
	if deadline, bounded := ctx.Deadline(); bounded && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// oneAuthority is whose certificates a request is about.
func (r *Relay) oneAuthority(req *ocspsvc.Request) (*authority, error) {
	var one *authority
	for i := range req.CertIDs {
		a := r.roster.Load().of(&req.CertIDs[i])
		if a == nil || one != nil && a != one {
			return nil, fmt.Errorf("serial %x: %w", req.CertIDs[i].Serial, ocspsvc.ErrNotOurs)
		}
		one = a
	}
	if one == nil {
		return nil, fmt.Errorf("a request about nothing: %w", ocspsvc.ErrNotOurs)
	}
	return one, nil
}

func (r *Relay) askOn(ctx context.Context, req *ocspsvc.Request, a *authority) (*ocspsvc.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	response, err := r.asker.Ask(ctx, req, a.issuer, a.responders(nil)...)
	if err != nil {
		return nil, err
	}
	now, said := time.Now(), make([]ocspsvc.Verdict, len(req.CertIDs))
	for i, id := range req.CertIDs {
		o := ocspsvc.VerifyOptions{Nonce: req.Nonce, AllowNoNextUpdate: true}
		if said[i], err = ocspsvc.VerifyID(response, id, a.issuer, now, o); err != nil {
			return nil, err
		}
	}
	for i := range said {
		r.overhear(subject{key: keyOf(&req.CertIDs[i]), id: own(&req.CertIDs[i]), authority: a}, response, said[i], now)
	}
	return response, nil
}

// without is the answer without the nonce, if it is in memory, or else said. One
// with somebody else's nonce would be refused.
func (r *Relay) without(req *ocspsvc.Request, said *ocspsvc.Response) *ocspsvc.Response {
	if len(req.CertIDs) == 1 {
		if a := r.cache.find(keyOf(&req.CertIDs[0]), time.Now()); a != nil && a.response.Nonce == nil {
			return a.response
		}
	}
	return said
}
