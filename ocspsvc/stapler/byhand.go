package stapler

import (
	"context"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

// ErrNotCataloged is returned for a leaf that the catalog does not have.
var ErrNotCataloged = errors.New("not a certificate that is kept stapled")

// Refresh asks for leaf now, whatever its schedule, its back-off and the pace,
// and returns its status afterwards. It waits for a round that is going on,
// for a moment also for one of another node.
// The error is the round's: an *ocspsvc.Error for a leaf that cannot be
// stapled or a refresh that failed, ErrNotCataloged, or ctx's.
func (s *Service) Refresh(ctx context.Context, leaf Fingerprint) (Status, error) {
	select {
	case s.byHand <- struct{}{}:
		defer func() { <-s.byHand }()
	case <-ctx.Done():
		return s.Status(leaf), ctx.Err()
	}
	c, err := s.claimByHand(ctx, leaf)
	if err != nil {
		return s.Status(leaf), err
	}
	err = s.askByHand(ctx, c)
	s.release(c)
	nudge(s.wake)
	return s.Status(leaf), err
}

// askByHand looks into storage first, so that an older answer is recognised as
// one, and takes the lease, so that no other node overwrites the answer.
func (s *Service) askByHand(ctx context.Context, c *certificate) error {
	if s.leases == nil {
		s.recall(ctx, c)
		return s.ask(ctx, c)
	}
	giveBack, ours := s.lease(ctx, c)
	for since := time.Now(); !ours && time.Since(since) < byHandWait && !ended(ctx); {
		pause(ctx, primeAgain)
		giveBack, ours = s.lease(ctx, c)
	}
	defer giveBack()
	s.glance(ctx, c) // its failure is filed
	return s.ask(ctx, c)
}

// claimByHand claims leaf as soon as it is idle.
func (s *Service) claimByHand(ctx context.Context, leaf Fingerprint) (*certificate, error) {
	for {
		c, busy, err := s.tryClaim(leaf)
		if c != nil || err != nil {
			return c, err
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryClaim claims leaf, or returns what to wait for, or why it cannot be asked for.
func (s *Service) tryClaim(leaf Fingerprint) (*certificate, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.certs[leaf]
	if c == nil {
		return nil, nil, ErrNotCataloged
	}
	if c.busy != nil {
		return nil, c.busy, nil
	}
	if err := c.unaskable(time.Now()); err != nil {
		return nil, nil, err
	}
	s.enlist(c, c.laneName)
	s.claim(c)
	return c, nil, nil
}

// unaskable is why asking for c is no use at all. A missing responder or
// issuer is not among it: either may have turned up.
func (c *certificate) unaskable(now time.Time) error {
	if c.disabled {
		return &ocspsvc.Error{Reason: ocspsvc.ReasonDisabled, Err: errors.New("OCSP is off for this certificate")}
	}
	if facts := readLeaf(c.chain); facts.silent != "" {
		return &ocspsvc.Error{Reason: facts.silent, Err: errors.New(facts.why)}
	}
	if c.over(now) {
		return errOver
	}
	return nil
}

// errOver is the trouble of a certificate that has itself expired.
var errOver = &ocspsvc.Error{Reason: ocspsvc.ReasonExpired, Err: errors.New("the certificate itself has expired")}
