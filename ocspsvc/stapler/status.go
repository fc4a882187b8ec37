package stapler

import (
	"time"

	"dwaar/ocspsvc"
)

// State says whether a certificate is being stapled.
type State string

// The states.
const (
	Fresh State = "fresh" // a verified good staple is servable now
	Stale State = "stale" // there was one, and it has ended (S3)
	None  State = "none"  // there is none; the reason says why
)

// Status is what is known about the staple of one certificate: the contract's
// "staple" object. Times are UTC, and left out where there is none.
type Status struct {
	State       State          `json:"state"`
	Reason      ocspsvc.Reason `json:"reason"`
	ThisUpdate  time.Time      `json:"this_update,omitzero"`
	NextUpdate  time.Time      `json:"next_update,omitzero"`
	LastRefresh time.Time      `json:"last_refresh,omitzero"` // when a responder last said what is held
	NextTry     time.Time      `json:"next_try,omitzero"`     // zero for a certificate that is never asked for
	LastError   string         `json:"last_error"`            // of the last refresh; "" after a success, and where there is nobody to ask
	Responder   string         `json:"responder"`             // where is asked: the first URL in the certificate

	MustStaple bool      `json:"must_staple,omitempty"` // the certificate demands a staple (RFC 7633, S13)
	RevokedAt  time.Time `json:"revoked_at,omitzero"`   // set while the certificate counts as revoked
}

// Status says how leaf is doing at this moment. A leaf that the catalog does
// not have is pending.
func (s *Service) Status(leaf Fingerprint) Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.certs[leaf]
	if c == nil {
		return Status{State: None, Reason: ocspsvc.ReasonPending}
	}
	status := Status{Responder: c.askedOf(), MustStaple: c.mustStaple, LastError: c.lastError(time.Now())}
	status.State, status.Reason = c.state(time.Now())
	if c.place > 0 {
		status.NextTry = s.nextTry(c).UTC()
	}
	if c.held != nil {
		status.ThisUpdate, status.NextUpdate = utc(c.held.verdict.ThisUpdate), utc(c.held.verdict.NextUpdate)
		status.LastRefresh, status.RevokedAt = utc(c.held.refreshed), utc(c.held.verdict.RevokedAt)
	}
	return status
}

// state wants Service.mu held.
func (c *certificate) state(now time.Time) (State, ocspsvc.Reason) {
	switch {
	case c.disabled:
		return None, ocspsvc.ReasonDisabled
	case c.held.revoked():
		return None, ocspsvc.ReasonRevoked
	case c.held.servable(now):
		return Fresh, ocspsvc.ReasonGood
	case c.held != nil && now.Round(0).Before(c.held.staple.From):
		return None, ocspsvc.ReasonNotYetValid
	case c.held != nil:
		return Stale, c.held.endedBy(now)
	case c.silent != "":
		return None, c.silent
	case c.over(now):
		return None, ocspsvc.ReasonExpired
	}
	return None, c.reason
}

// lastError is what stands in the way of a refresh; "" if nothing does, or if
// there is nobody who could be asked, which is how most certificates are (S12).
func (c *certificate) lastError(now time.Time) string {
	switch {
	case c.disabled, c.silent == ocspsvc.ReasonNoResponder, c.silent == ocspsvc.ReasonSelfSigned:
		return ""
	case c.silent != "":
		return c.why
	case c.over(now):
		return errOver.Error()
	case c.trouble != nil:
		return c.trouble.Error()
	}
	return ""
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
