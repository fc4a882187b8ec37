package stapler

import (
	"context"
	"errors"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/respstore"
)

// accept takes over a good or revoked answer: durable first, then here, then
// in the catalog. A disk that fails is reported, and the staple is used (S14).
func (s *Service) accept(ctx context.Context, c *certificate, h *held) error {
	if err := s.refuses(c, h); err != nil {
		return err
	}
	s.persist(ctx, c, h)
	s.adopt(c, h)
	s.present(c, false)
	nudge(s.rewatch)
	return nil
}

// refuses is why h does not count: it could be served at no time, or it goes
// back in time. What is older than the answer held says less than is known
// already; it takes a replay, or a responder with stale replicas.
func (s *Service) refuses(c *certificate, h *held) error {
	if h.staple != nil && !h.staple.From.Before(h.staple.Until) {
		return &ocspsvc.Error{Reason: ocspsvc.ReasonExpired, Err: errors.New("an answer that may be served at no time")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := c.newest()
	if known == nil {
		return nil
	}
	old := &ocspsvc.Error{Reason: ocspsvc.ReasonTooOld}
	switch older := h.verdict.ThisUpdate.Before(known.verdict.ThisUpdate); {
	case h.revoked() && known.revoked() && older: // a good one between the two would lift it
		old.Err = errors.New("a revocation that is older than the one held")
	case h.revoked():
		return nil
	case known.revoked() && !h.verdict.ThisUpdate.After(known.verdict.ThisUpdate):
		old.Err = errors.New("a good answer that is not newer than the revocation")
	case !known.revoked() && older && time.Now().Round(0).Before(known.until()):
		old.Err = errors.New("an answer that is older than the one held")
	default:
		return nil
	}
	return old
}

// persist stores h, unless c has left and come back meanwhile: what another
// round has stored for it since may be newer. Shutting down does not interrupt
// it; a caller with a deadline, as Prime, waits at most a second longer for a
// disk that hangs.
func (s *Service) persist(ctx context.Context, c *certificate, h *held) {
	patience := s.settings.Load().cfg.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, max(time.Until(deadline), time.Second))
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	record := respstore.Record{Leaf: c.fingerprint, NotAfter: c.notAfter, Response: h.response, LastRefresh: h.refreshed}
	s.mu.Lock()
	if c.issuer != nil {
		record.Issuer = c.issuer.Raw
	}
	back, news := s.isBack(c), h.revoked() && !c.held.revoked()
	s.mu.Unlock()
	if back && !h.revoked() {
		return
	}
	err := s.store.Put(bounded, record)
	if err != nil && news { // a restart must not find the good one from before
		err = errors.Join(err, s.store.Discard(bounded, c.fingerprint))
	}
	if err != nil {
		s.counts.storeErrors.Inc()
		s.log.Warn("staple could not be stored, using it all the same",
			append(s.subjectOf(c).attrs(), "reason", ocspsvc.ReasonStoreError, "err", err)...)
	}
}

// isBack reports whether c has left the catalog and its leaf is there again. It
// wants s.mu held.
func (s *Service) isBack(c *certificate) bool { return c.gone && s.certs[c.fingerprint] != nil }

// adopt makes h what counts and plans the next round. A good answer ahead of
// time waits while the one before it can be served (S3).
func (s *Service) adopt(c *certificate, h *held) {
	s.mu.Lock()
	defer s.unlock()
	now := time.Now()
	s.counts.refreshes.WithLabelValues(string(h.verdict.Reason)).Inc()
	s.noteVerdict(c, h)
	c.trouble, c.reason, c.failing, c.asked, c.silent, c.why = nil, h.verdict.Reason, time.Time{}, false, "", ""
	c.freed = false
	s.hold(c, h, now)
	if c.gone {
		if !s.isBack(c) {
			s.store.Forget(c.fingerprint)
		}
		return
	}
	s.answered(c.lane, now)
	due := h.after(now, s.configHeld(c))
	s.queueAt(c, due, due.Sub(now))
}

// hold wants s.mu held.
func (s *Service) hold(c *certificate, h *held, now time.Time) {
	if c.held.servable(now) && h.staple != nil && now.Round(0).Before(h.staple.From) {
		c.next = h
	} else {
		c.held, c.next = h, nil
	}
	if !c.gone {
		s.settle(c, now)
	}
}
