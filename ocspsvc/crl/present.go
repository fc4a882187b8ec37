package crl

import "dwaar/ocspsvc"

// present tells Revocations what holds for c at this moment, in order, however
// much happens at once. again repeats that it is revoked.
func (w *Watcher) present(c *certificate, again bool) {
	w.presenting.Lock()
	defer w.presenting.Unlock()
	w.mu.Lock()
	verdict := c.verdict()
	revoked := c.revocation != nil
	tell := !c.gone && (revoked != c.told || revoked && again)
	c.told = revoked
	w.mu.Unlock()
	if tell && w.revocations != nil {
		w.revocations.Revocation(c.fingerprint, verdict)
	}
}

// verdict is what counts for c: zero if nothing is known.
func (c *certificate) verdict() ocspsvc.Verdict {
	if c.revocation != nil {
		return c.revocation.verdict
	}
	if c.group == nil {
		return ocspsvc.Verdict{}
	}
	if o := c.newest(); o.list != nil && !o.listed {
		return o.verdict()
	}
	return ocspsvc.Verdict{}
}
