package relay

import (
	"time"

	"dwaar/ocspsvc"
)

// maxOverheard is about how many certificates a response may be that is kept for one of
// them. Who asks decides that, and everybody else would be sent what he asked for.
const maxOverheard = 4

// overhear takes over the revocation of a certificate whose kept answer says
// something else, from a response that was for somebody else. It has his nonce, which
// clients who did not send one ignore (RFC 9919 §4), or says something about other
// certificates, too; so a plain one is asked for at once.
func (r *Relay) overhear(s subject, response *ocspsvc.Response, said ocspsvc.Verdict, now time.Time) {
	if said.Status != ocspsvc.Revoked {
		return
	}
	next, held := newAnswer(response, said, now, now), r.cache.held(s.key)
	known := held != nil || r.shelf.has(s.key)
	if !known || !next.lasting || held != nil && (held.status == ocspsvc.Revoked || !held.yields(next)) {
		return
	}
	if s = r.cache.prefetched(s); len(response.Singles) > maxOverheard {
		r.cache.postpone(s.key, now.Round(0))
		s.authority.nudge()
		return
	}
	r.log.Warn("a certificate is revoked", s.attrs()...)
	r.cache.keep(s, next, now)
	r.cache.postpone(s.key, now.Round(0))
	r.shelf.put(&writing{subject: s, answer: next, done: free})
	s.authority.nudge()
}
