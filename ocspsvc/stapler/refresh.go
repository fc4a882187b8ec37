package stapler

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

// work is one round for c, which the caller has claimed: it looks into storage
// if nobody has, asks, and files the outcome. A round whose caller gives up
// changes nothing.
func (s *Service) work(ctx context.Context, c *certificate) outcome {
	defer s.release(c)
	if s.leases != nil {
		return s.workShared(ctx, c)
	}
	if s.recall(ctx, c) {
		return spared
	}
	return s.askNow(ctx, c)
}

// outcome is what a round has come to.
type outcome uint8

const (
	asked     outcome = iota // somebody was asked
	spared                   // nobody had to be
	elsewhere                // another node asks
)

// workShared is work for one of several nodes. It looks before it takes the
// lease, as another node may have asked, and once more when it has it: that
// node may have finished in between.
func (s *Service) workShared(ctx context.Context, c *certificate) outcome {
	if done, _ := s.glance(ctx, c); done {
		return spared
	}
	giveBack, ours := s.lease(ctx, c)
	if !ours {
		s.comeBack(c)
		return elsewhere
	}
	defer giveBack()
	if done, _ := s.glance(ctx, c); done {
		return spared
	}
	return s.askNow(ctx, c)
}

func (s *Service) askNow(ctx context.Context, c *certificate) outcome {
	if silent(s.ask(ctx, c)) {
		return spared
	}
	return asked
}

// ask asks for c, which the caller has claimed, and files the outcome, which
// it returns too.
func (s *Service) ask(ctx context.Context, c *certificate) error {
	s.mu.Lock()
	c.elsewhere = time.Time{}
	s.mu.Unlock()
	err := s.refresh(ctx, c)
	switch {
	case err == nil:
		return nil
	case ended(ctx):
		return ctx.Err()
	}
	s.fail(c, err)
	return err
}

// refresh asks for c once and takes over a verified answer.
func (s *Service) refresh(ctx context.Context, c *certificate) error {
	set := s.settings.Load()
	bounded, cancel := context.WithTimeout(ctx, set.cfg.Timeout)
	defer cancel()
	leaf, issuer, err := s.identify(bounded, set.fetcher, c)
	if err != nil {
		return err
	}
	response, err := set.fetcher.Fetch(bounded, leaf, issuer)
	if err != nil {
		return err
	}
	if response == nil {
		return &ocspsvc.Error{Reason: ocspsvc.ReasonMalformed, Err: errors.New("the fetcher returned no response")}
	}
	cfg, now := s.configOf(c), time.Now().Round(0)
	verdict, err := judge(response.Raw, leaf, issuer, now, cfg)
	if err != nil {
		return err
	}
	return s.accept(ctx, c, newHeld(response.Raw, verdict, now, cfg, s.newestOf(c)))
}

func (s *Service) newestOf(c *certificate) *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.newest()
}

// identify parses c's leaf and finds its issuer (S7). One that had to be
// fetched is remembered with c, and stored with its staple.
func (s *Service) identify(ctx context.Context, fetcher Fetcher, c *certificate) (leaf, issuer *x509.Certificate, err error) {
	s.mu.Lock()
	chain, fetched := c.chain, c.issuer
	s.mu.Unlock()
	if leaf, err = x509.ParseCertificate(chain[0]); err != nil {
		return nil, nil, &ocspsvc.Error{Reason: ocspsvc.ReasonMalformed, Err: err}
	}
	if issuer = s.issuers.find(leaf, chain[1:]); issuer != nil {
		s.settleIssuer(c, leaf, nil)
		return leaf, issuer, nil
	}
	if issuer = s.issuers.find(leaf, nil, fetched, s.issuers.known(leaf)); issuer == nil {
		issuer, err = s.issuers.fetch(ctx, fetcher, leaf)
	}
	if err != nil {
		return nil, nil, err
	}
	s.settleIssuer(c, leaf, issuer)
	return leaf, issuer, nil
}

// settleIssuer remembers a fetched issuer; from now on c's rounds depend on
// the responder alone.
func (s *Service) settleIssuer(c *certificate, leaf, fetched *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.issuer = fetched
	if !c.gone {
		c.laneName = responderLane(leaf)
		s.enlist(c, c.laneName)
	}
}
