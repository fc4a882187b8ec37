package crl

import "dwaar/ocspsvc"

// opinion is what one list says about a certificate.
type opinion struct {
	feed   *feed
	list   *List
	entry  Entry
	listed bool
}

// over reports whether o counts more than other: the newer list does, and of
// two of the same time the one that says revoked.
func (o opinion) over(other opinion) bool {
	if other.list == nil || o.list.ThisUpdate.After(other.list.ThisUpdate) {
		return true
	}
	return o.list.ThisUpdate.Equal(other.list.ThisUpdate) && o.listed && !other.listed
}

// newest is the opinion that counts; its list is nil if nobody has one. That a
// list does not name the certificate is no opinion if it names some reasons
// only, or if it is from after the certificate's expiry (RFC 5280 §3.3).
func (c *certificate) newest() (best opinion) {
	for _, f := range c.group.feeds {
		if f.held == nil || !f.held.list.scope.covers(c.group.names) {
			continue
		}
		o := opinion{feed: f, list: f.held.list}
		o.entry, o.listed = o.list.entries.find(c.serial)
		if !o.listed && (o.list.Partial() || o.list.ThisUpdate.After(c.notAfter)) {
			continue
		}
		if o.over(best) {
			best = o
		}
	}
	return best
}

// judge brings c's revocation up to what the lists say, and reports what is
// new: +1 that it is revoked, -1 that it no longer is, 0 nothing.
func (c *certificate) judge() (news int, verdict ocspsvc.Verdict) {
	o := c.newest()
	switch {
	case o.list == nil:
		return 0, verdict
	case o.listed:
		if c.revocation == nil {
			news = 1
		}
		c.revocation = &revocation{verdict: o.verdict(), url: o.feed.url}
	case c.revocation != nil && !o.list.ThisUpdate.Before(c.revocation.verdict.ThisUpdate):
		news, c.revocation = -1, nil
	}
	return news, o.verdict()
}

func (o opinion) verdict() ocspsvc.Verdict {
	v := ocspsvc.Verdict{
		Status: ocspsvc.Good, Reason: ocspsvc.ReasonGood, Responder: o.list.Issuer,
		ThisUpdate: o.list.ThisUpdate, NextUpdate: o.list.NextUpdate,
	}
	if o.listed {
		v.Status, v.Reason = ocspsvc.Revoked, ocspsvc.ReasonRevoked
		v.RevokedAt, v.RevocationReason = o.entry.RevokedAt, o.entry.Reason
	}
	return v
}
