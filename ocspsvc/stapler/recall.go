package stapler

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/respstore"
)

// recall looks once for c's stored answer, verifies it as if it came from the
// network, and takes it over if it still counts. It reports whether c needs no
// round now.
func (s *Service) recall(ctx context.Context, c *certificate) bool {
	if ended(ctx) || !s.claimRecall(c) {
		return false
	}
	record, err := s.store.Load(ctx, c.fingerprint)
	if err != nil && ended(ctx) {
		s.mu.Lock()
		c.recalled = false
		s.mu.Unlock()
		return false
	}
	if err == nil {
		err = s.restore(c, record)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		s.ignoreStored(c, err)
		return false
	}
	s.present(c, false)
	nudge(s.rewatch)
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.place > 0 && time.Now().Before(c.due)
}

func (s *Service) claimRecall(c *certificate) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !c.recalled
	c.recalled = true
	return first
}

// restore goes on with a stored record if it still counts.
func (s *Service) restore(c *certificate, record respstore.Record) error {
	h, err := s.verifyStored(c, record)
	if err != nil {
		return err
	}
	s.resume(c, h, record)
	return nil
}

// verifyStored verifies a stored record. A good one has to be servable, now or
// soon; a revoked one counts also after its nextUpdate, because a certificate
// does not get better while its responder is dead, and before its thisUpdate,
// because it was stored after that: then the clock is wrong (V2). Whether a
// nextUpdate is required by now does not matter to a revocation either.
func (s *Service) verifyStored(c *certificate, record respstore.Record) (*held, error) {
	leaf, issuer, err := s.identifyStored(c, record)
	if err != nil {
		return nil, err
	}
	cfg, now := s.configOf(c), time.Now().Round(0)
	verdict, err := judge(record.Response, leaf, issuer, now, cfg)
	switch ocspsvc.ReasonOf(err) {
	case ocspsvc.ReasonExpired, ocspsvc.ReasonTooOld, ocspsvc.ReasonNotYetValid, ocspsvc.ReasonNoNextUpdate:
		cfg.RequireNextUpdate = false // was not asked for when it was stored
		if then, past := judge(record.Response, leaf, issuer, latest(verdict.ThisUpdate, verdict.ProducedAt), cfg); past == nil && then.Status == ocspsvc.Revoked {
			verdict, err = then, nil
		}
	}
	if err != nil {
		return nil, err
	}
	h := newHeld(record.Response, verdict, s.refreshedAt(record, now), cfg, s.newestOf(c))
	h.stamp = record.LastRefresh.Round(0)
	if !h.revoked() && !now.Before(h.until()) {
		return nil, &ocspsvc.Error{Reason: h.endedBy(now), Err: errors.New("the stored staple has ended")}
	}
	return h, nil
}

// identifyStored finds leaf and issuer without any network.
func (s *Service) identifyStored(c *certificate, record respstore.Record) (leaf, issuer *x509.Certificate, err error) {
	s.mu.Lock()
	chain := c.chain
	s.mu.Unlock()
	if leaf, err = x509.ParseCertificate(chain[0]); err != nil {
		return nil, nil, err
	}
	if issuer = s.issuers.find(leaf, chain[1:]); issuer != nil {
		return leaf, issuer, nil
	}
	if fetched := s.issuers.parse(record.Issuer); fetched != nil {
		issuer = s.issuers.find(leaf, nil, fetched)
	}
	if issuer == nil {
		return nil, nil, &ocspsvc.Error{Reason: ocspsvc.ReasonNoIssuer, Err: errors.New("neither the chain nor the record has the issuer")}
	}
	s.settleIssuer(c, leaf, issuer)
	return leaf, issuer, nil
}

// resume goes on with a restored answer where the last process left off.
func (s *Service) resume(c *certificate, h *held, record respstore.Record) {
	s.mu.Lock()
	defer s.unlock()
	record.Response = h.response
	s.store.Keep(record)
	now, cfg := time.Now(), s.configHeld(c)
	c.reason = h.verdict.Reason
	s.noteVerdict(c, h)
	s.hold(c, h, now)
	if !c.gone && c.quiet() == "" {
		due := h.resumed(now, cfg)
		if s.leases != nil && !h.revoked() {
			due = h.shared(now, cfg) // the others are at it
		}
		s.queueAt(c, due, min(cfg.RefreshEvery, max(due.Sub(now), time.Minute)))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
