package ocspsvc

import (
	"crypto/x509"
	"time"
)

// times checks everything that depends on now (RFC 6960 §3.2 #5 and #6).
func (c *check) times() error {
	for _, step := range []func() error{c.ended, c.begun, c.delegateInTime, c.producedInTime} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// ended refuses what is over. There is no tolerance here: a client whose clock
// is right would refuse it too (S3).
func (c *check) ended() error {
	one, age := c.one, c.now.Sub(c.one.ThisUpdate)
	switch {
	case one.NextUpdate.IsZero() && !c.o.AllowNoNextUpdate:
		return Refuse(ReasonNoNextUpdate, "the response has no nextUpdate")
	case !one.NextUpdate.IsZero() && one.NextUpdate.Before(one.ThisUpdate):
		return Refuse(ReasonMalformed, "nextUpdate %s is before thisUpdate %s", rfc3339(one.NextUpdate), rfc3339(one.ThisUpdate))
	case !one.NextUpdate.IsZero() && !c.now.Before(one.NextUpdate):
		return Refuse(ReasonExpired, "nextUpdate was %s", rfc3339(one.NextUpdate))
	case c.o.MaxAge > 0 && age > c.o.MaxAge:
		return Refuse(ReasonTooOld, "thisUpdate was %s, longer than %s ago", rfc3339(one.ThisUpdate), c.o.MaxAge)
	case one.NextUpdate.IsZero() && c.o.MaxAge <= 0 && age > DefaultMaxAge:
		return Refuse(ReasonTooOld, "thisUpdate was %s, longer than %s ago, and there is no nextUpdate", rfc3339(one.ThisUpdate), DefaultMaxAge)
	}
	return nil
}

func (c *check) begun() error {
	if c.one.ThisUpdate.After(c.now.Add(c.o.Skew)) {
		return Refuse(ReasonNotYetValid, "thisUpdate is only %s", rfc3339(c.one.ThisUpdate))
	}
	if c.r.ProducedAt.After(c.now.Add(c.o.Skew)) {
		return Refuse(ReasonNotYetValid, "producedAt is only %s", rfc3339(c.r.ProducedAt))
	}
	return nil
}

// delegateInTime wants the delegate valid at now. The issuer's own dates are
// the business of whoever trusts the chain.
func (c *check) delegateInTime() error {
	if c.delegate == nil {
		return nil
	}
	if !c.now.Before(c.delegate.NotAfter) {
		return Refuse(ReasonExpired, "the responder's certificate expired %s", rfc3339(c.delegate.NotAfter))
	}
	if c.delegate.NotBefore.After(c.now.Add(c.o.Skew)) {
		return Refuse(ReasonNotYetValid, "the responder's certificate is only valid from %s", rfc3339(c.delegate.NotBefore))
	}
	return nil
}

// producedInTime wants the response made while the leaf, and the delegate that
// signed it, were valid. No RFC says so, but browsers refuse it otherwise.
func (c *check) producedInTime() error {
	for _, cert := range []*x509.Certificate{c.dated, c.delegate} {
		switch {
		case cert == nil:
		case c.r.ProducedAt.Before(cert.NotBefore.Add(-c.o.Skew)):
			return Refuse(ReasonNotYetValid, "produced %s, before %s was valid", rfc3339(c.r.ProducedAt), cert.Subject)
		case c.r.ProducedAt.After(cert.NotAfter):
			return Refuse(ReasonExpired, "produced %s, after %s expired", rfc3339(c.r.ProducedAt), cert.Subject)
		}
	}
	return nil
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
