package stapler

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"time"

	"dwaar/ocspsvc/respstore"
)

// skew is how far ahead the clock of another node may be, as that of a
// responder may (S3).
const skew = 5 * time.Minute

// glance looks at what storage has for c, which the caller has claimed, and
// takes it over if it says more than is held: another node has asked. It is
// verified as if it came from the network, and judged as if it had (accept),
// but nothing is stored: it is there already. done reports that c needs no
// round now; an error is one of storage.
func (s *Service) glance(ctx context.Context, c *certificate) (done bool, err error) {
	if ended(ctx) {
		return false, ctx.Err()
	}
	if !s.desk.open() {
		return false, errDeskRests
	}
	record, err := atDesk(ctx, s.desk, func(ctx context.Context) (respstore.Record, error) { return s.store.Load(ctx, c.fingerprint) }, func(respstore.Record) {})
	if isOfStorage(err) {
		s.fileDesk(ctx, looking, err)
		return false, err
	}
	s.fileDesk(ctx, looking, nil)
	if err == nil && s.isKnown(c, record) {
		return false, nil
	}
	if err == nil {
		err = s.adoptStored(ctx, c, record)
	}
	if err != nil {
		s.ignoreStored(c, err)
		return false, nil
	}
	return s.isPlanned(c, time.Now()), nil
}

// isOfStorage reports whether err is about storage and not about a record.
func isOfStorage(err error) bool {
	for _, about := range []error{fs.ErrNotExist, respstore.ErrForeign, respstore.ErrCorrupt} {
		if errors.Is(err, about) {
			return false
		}
	}
	return err != nil
}

// isKnown reports whether record is what is held, or was when it was got.
func (s *Service) isKnown(c *certificate, record respstore.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.recalled = true
	known := c.newest()
	return known != nil && bytes.Equal(known.response, record.Response) && !known.stamp.Before(record.LastRefresh.Round(0))
}

// isPlanned reports whether c's next round is still to come.
func (s *Service) isPlanned(c *certificate, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.place > 0 && now.Before(c.due)
}

// adoptStored takes over what another node has stored, or says why it does not
// count. It is nil, too, for what says no more than is held.
func (s *Service) adoptStored(ctx context.Context, c *certificate, record respstore.Record) error {
	h, err := s.verifyStored(c, record)
	if err != nil {
		return err
	}
	if !h.saysMoreThan(s.newestOf(c)) {
		return nil
	}
	if err := s.refuses(c, h); err != nil {
		s.restate(ctx, c, h)
		return err
	}
	record.Response = h.response
	s.takeOver(c, h, record)
	s.present(c, false)
	nudge(s.rewatch)
	return nil
}

// saysMoreThan reports whether h may be news after known; refuses decides
// whether it is. The same said again is, if it was said later.
func (h *held) saysMoreThan(known *held) bool {
	if known == nil || h.revoked() != known.revoked() || !h.verdict.ThisUpdate.Equal(known.verdict.ThisUpdate) {
		return true
	}
	return h.refreshed.After(known.refreshed)
}

// restate stores the revocation that is held once more, where storage has a
// good answer from before it: who starts anew must not find that one.
func (s *Service) restate(ctx context.Context, c *certificate, h *held) {
	s.mu.Lock()
	known := c.newest()
	s.mu.Unlock()
	if !h.revoked() && known.revoked() && known.response != nil {
		s.persist(ctx, c, known)
	}
}

// takeOver makes h what counts, as adopt does for an answer of our own, and
// plans the next round as the node does that has got it.
func (s *Service) takeOver(c *certificate, h *held, record respstore.Record) {
	s.mu.Lock()
	defer s.unlock()
	now := time.Now()
	s.noteVerdict(c, h)
	failed := c.trouble != nil
	c.trouble, c.reason, c.failing, c.asked, c.silent, c.why = nil, h.verdict.Reason, time.Time{}, false, "", ""
	c.freed, c.elsewhere = false, time.Time{}
	s.hold(c, h, now)
	if c.gone {
		return
	}
	s.counts.takenOver.Inc()
	s.store.Keep(record)
	if failed {
		s.relent(c.lane)
	}
	due := h.shared(now, s.configHeld(c))
	s.queueAt(c, due, max(due.Sub(now), time.Minute))
}

// relent closes l's breaker if nobody is left who failed: others have got what
// they asked for. It wants s.mu held.
func (s *Service) relent(l *lane) {
	if l == nil || l.breaker.closed() {
		return
	}
	for _, c := range s.certs {
		if c.lane == l && c.trouble != nil {
			return
		}
	}
	l.breaker.succeed()
}

// ignoreStored says why a record does not count, once for each reason.
func (s *Service) ignoreStored(c *certificate, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.mu.Lock()
	again := c.ignored == err.Error()
	c.ignored = err.Error()
	s.mu.Unlock()
	if !again {
		s.logIgnored(c, err)
	}
}

// refreshedAt is when a record was refreshed, by our clock. That of the node
// that says so may be ahead of it.
func (s *Service) refreshedAt(record respstore.Record, now time.Time) time.Time {
	if ahead := record.LastRefresh.Sub(now); s.leases != nil && ahead > 0 && ahead <= skew {
		return now
	}
	return record.LastRefresh
}

// shared plans the next round behind h as if it had just been refreshed when it
// was, wherever that was: all nodes have about the same plan.
func (h *held) shared(now time.Time, cfg Config) time.Time {
	at := h.refreshed
	if at.IsZero() || at.After(now) {
		at = h.verdict.ThisUpdate
	}
	if at.After(now) {
		at = now
	}
	if due := h.after(at, cfg); due.After(now) {
		return due
	}
	return now.Round(0)
}
