package relay

import (
	"time"

	"dwaar/ocspsvc"
)

// strange reports whether a certificate is new to the relay: it is not prefetched,
// and neither memory nor, as far as is known, storage has ever had an answer. It may
// be one that somebody made up.
func (r *Relay) strange(s subject) bool { return !r.cache.has(s.key) && !r.shelf.has(s.key) }

// turnsAway reports whether nobody may be asked about a stranger now: too many turned
// out to be unknown. That is found out without I/O, so being turned away costs little.
func (r *Relay) turnsAway(s subject, now time.Time) bool {
	strangers := s.authority.strangers
	if strangers.some(now) || !r.strange(s) {
		return false
	}
	if strangers.tell(now) {
		r.log.Warn("many certificates are asked about that the OCSP responder does not know; others that are new to the relay get tryLater meanwhile",
			"issuer", s.authority.issuer.Subject.String(), "unknown_rate", r.cfg.Limits.UnknownRate)
	}
	return true
}

// unknown reports whether a responder that answered turned out not to know the
// certificate. It may say so by any error. One that is silent says nothing.
func unknown(fresh *answer, err error) bool {
	if err != nil {
		return !silent(err) && ocspsvc.ReasonOf(err) != ocspsvc.ReasonNoResponder
	}
	return fresh.status == ocspsvc.Unknown
}

// has reports whether there is an entry, without touching its place.
func (c *cache) has(k key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peek(k) != nil
}

// has reports whether storage is known to have, or to be about to get, a record.
func (s *shelf) has(k key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.known[k]
	_, waits := s.pending[k]
	return known || waits
}
