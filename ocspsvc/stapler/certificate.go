package stapler

import (
	"crypto/x509"
	"time"

	"dwaar/ocspsvc"
)

// certificate is the state of one leaf. It is guarded by Service.mu, except for
// what never changes: fingerprint, der, and what leafFacts says so of. A round
// claims the certificate by busy, and meanwhile nobody else changes what is held.
type certificate struct {
	fingerprint Fingerprint
	der         []byte // the leaf; nil if there is none
	chain       [][]byte
	disabled    bool
	manual      bool
	terms       Terms
	leafFacts

	lane   *lane
	issuer *x509.Certificate // fetched; nil while the chain has it
	busy   chan struct{}     // closed when the round that is going on ends; nil if none is
	gone   bool              // left the catalog

	recalled bool  // storage was looked at
	held     *held // what counts
	next     *held // good and ahead of time: takes over at its thisUpdate (S3)
	serving  bool  // held is servable, as far as was noticed
	lost     bool  // it was logged that the staple ended
	told     bool  // Revocations knows that it is revoked

	asked    bool          // a client wanted a staple, and there was none
	due      time.Time     // when the next round is
	interval time.Duration // share in the pacer's demand
	place    int           // in Service.waiting or, if ready, in lane.ready
	ready    bool
	counted  bool      // in lane.bare
	changes  time.Time // when what may be served changes by itself
	watched  int       // place in Service.changing

	failing time.Time // since when every round failed; zero after a success
	freed   bool      // from its pause, when the responder came back; until a success
	reason  ocspsvc.Reason
	trouble error // of the last round; nil after a success

	elsewhere time.Time // since when another node has been asking for it; monotonic
	noticed   bool      // during a round: storage has something else
	ignored   string    // why a stored record did not count, as far as was logged
}

func newCertificate(c Certificate, facts leafFacts) *certificate {
	n := &certificate{
		fingerprint: c.Fingerprint, chain: c.Chain, disabled: c.Disabled, manual: c.Manual, terms: c.Terms,
		leafFacts: facts, reason: ocspsvc.ReasonPending,
	}
	if len(c.Chain) > 0 {
		n.der = c.Chain[0]
	}
	return n
}

// quiet is why the certificate is never asked for; "" if it is (S12).
func (c *certificate) quiet() ocspsvc.Reason {
	if c.disabled {
		return ocspsvc.ReasonDisabled
	}
	return c.silent
}

// over reports whether the certificate itself has expired: a responder has
// nothing to say about it any more.
func (c *certificate) over(now time.Time) bool { return !now.Round(0).Before(c.notAfter) }

// bare reports whether a client would get no staple, and should.
func (c *certificate) bare() bool { return !c.serving && !c.held.revoked() }

// urgency is the first key of S11's order, least first.
func (c *certificate) urgency() int {
	switch {
	case c.mustStaple && c.bare():
		return 0
	case c.asked && c.bare():
		return 1
	}
	return 2
}

// left is how much of the staple's life remains; 0 if nothing does.
func (c *certificate) left(now time.Time) time.Duration {
	if !c.held.servable(now) {
		return 0
	}
	return c.held.until().Sub(now)
}

// life is how long the answers for this certificate live; 0 if none is known.
func (c *certificate) life() time.Duration {
	if c.held == nil || c.held.lifeEnd().IsZero() {
		return 0
	}
	return c.held.lifeEnd().Sub(c.held.verdict.ThisUpdate)
}

// newest is the latest answer known, also one that is ahead of time.
func (c *certificate) newest() *held {
	if c.next != nil {
		return c.next
	}
	return c.held
}

// staple is what the catalog should serve. One that has ended, or has not
// begun, is left to the catalog's clock.
func (c *certificate) staple() *Staple {
	if c.disabled || c.held == nil || c.held.response == nil || c.held.barred {
		return nil
	}
	return c.held.staple
}

// settle brings held and serving up to now, and says what has changed. It is
// the only place where a staple begins and ends.
func (c *certificate) settle(now time.Time) transition {
	if c.next != nil && (c.next.servable(now) || !c.held.servable(now)) {
		c.held, c.next = c.next, nil
	}
	was := c.serving
	c.serving = !c.disabled && c.held.servable(now)
	if c.changes = c.nextChange(); !now.Before(c.changes) {
		c.changes = time.Time{} // nothing comes any more
	}
	switch {
	case was && !c.serving && !c.disabled && !c.held.revoked():
		c.lost = true
		return lapsed
	case c.serving && c.lost:
		c.lost = false
		return back
	}
	return nothing
}

// nextChange is when settle has something to do again, if that is still to come.
func (c *certificate) nextChange() time.Time {
	switch {
	case c.held == nil || c.held.staple == nil || c.disabled:
		return time.Time{}
	case c.next != nil && c.next.staple.From.Before(c.held.staple.Until):
		return c.next.staple.From
	case c.serving:
		return c.held.staple.Until
	}
	return c.held.staple.From
}

// transition is what settle noticed.
type transition uint8

const (
	nothing transition = iota
	lapsed
	back
)
