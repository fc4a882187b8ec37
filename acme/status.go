package acme

import "time"

// State is how it stands with a name.
type State string

// The states of names.
const (
	Missing State = "missing" // there is no certificate yet
	Valid   State = "valid"
	Expired State = "expired"
	Revoked State = "revoked" // and not replaced yet
)

// Status is what is known of a name's certificate, for an operator. Times are UTC, and zero
// if there are none.
type Status struct {
	Name        string    `json:"name"`
	Source      Source    `json:"source"`
	State       State     `json:"state"`
	Working     bool      `json:"working"` // something is going on for it right now
	Serial      string    `json:"serial,omitempty"`
	NotAfter    time.Time `json:"not_after,omitzero"`
	NextRenewal time.Time `json:"next_renewal,omitzero"`

	// The CA's wish (RFC 9773).
	WindowStart time.Time `json:"window_start,omitzero"`
	WindowEnd   time.Time `json:"window_end,omitzero"`

	RevokedAt        time.Time `json:"revoked_at,omitzero"`
	RevocationReason string    `json:"revocation_reason,omitempty"`

	Failures  int       `json:"failures,omitempty"` // in a row
	LastError string    `json:"last_error,omitempty"`
	NextTry   time.Time `json:"next_try,omitzero"` // only after a failure
}

// Status says how it stands with a name; false if it is not kept.
func (m *Manager) Status(name string) (Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[normalName(name)]
	if e == nil {
		return Status{}, false
	}
	return e.status(time.Now().Round(0)), true
}

func (e *entry) status(now time.Time) Status {
	s := Status{Name: e.name, Source: e.source, State: e.state(now), Working: e.busy != nil, Failures: e.failures}
	if e.cert != nil {
		s.Serial = serialOf(e.cert)
		s.NotAfter = e.cert.Leaf.NotAfter.UTC()
		s.NextRenewal = e.renewal().UTC()
		s.WindowStart, s.WindowEnd = utc(e.ari.start), utc(e.ari.end)
	}
	if e.revoked != nil {
		s.NextRenewal = time.Time{}
		s.RevokedAt, s.RevocationReason = e.revoked.at.UTC(), e.revoked.reason
	}
	if e.trouble != nil {
		s.LastError, s.NextTry = e.trouble.Error(), e.nextTry.UTC()
	}
	return s
}

func (e *entry) state(now time.Time) State {
	switch {
	case e.cert == nil:
		return Missing
	case e.revoked != nil:
		return Revoked
	case now.After(e.cert.Leaf.NotAfter):
		return Expired
	}
	return Valid
}

// utc leaves a zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
