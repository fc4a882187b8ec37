package admin

import (
	"encoding/json"
	"time"
)

// Status is what GET /status and `dwaar status --json` show. All times are
// shown in UTC (RFC 3339).
type Status struct {
	Version      string        `json:"version"`
	Started      time.Time     `json:"started"`
	Config       string        `json:"config"` // absolute path of the Dwaarfile
	Listeners    []string      `json:"listeners"`
	Ready        bool          `json:"ready"`
	LastReload   *Reload       `json:"last_reload,omitempty"` // nil before the first
	Storage      *Storage      `json:"storage,omitempty"`     // nil: the files of this machine
	Certificates []Certificate `json:"certificates"`
	Upstreams    []Upstream    `json:"upstreams,omitempty"`  // none: no site forwards
	Responders   []Responder   `json:"responders,omitempty"` // none: no site answers OCSP
	Relays       []Relay       `json:"relays,omitempty"`     // none: no site relays OCSP
}

// Reload is the outcome of one reload.
type Reload struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"` // empty: the new configuration runs
}

// Certificate is one leaf that dwaar serves.
type Certificate struct {
	Names       []string  `json:"names"`
	Source      string    `json:"source"` // manual, acme, internal or on_demand
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`              // hex
	Fingerprint string    `json:"fingerprint"`         // SHA-256 of the leaf, hex
	NotBefore   time.Time `json:"not_before,omitzero"` // zero, like NotAfter: a name whose first certificate is not there yet
	NotAfter    time.Time `json:"not_after,omitzero"`
	MustStaple  bool      `json:"must_staple"`
	Alarm       bool      `json:"must_staple_alarm"` // served without the staple its clients insist on (S13)
	Revoked     bool      `json:"revoked"`
	Staple      Staple    `json:"staple"`
	ACME        *ACME     `json:"acme,omitempty"` // nil: dwaar does not get this one itself
	CRL         *CRL      `json:"crl,omitempty"`  // nil: no CRL says whether it is revoked
}

// Staple is the state of one leaf's OCSP response. A zero time is null.
type Staple struct {
	State       string // fresh, stale or none
	Reason      string // one of the reason words
	ThisUpdate  time.Time
	NextUpdate  time.Time
	LastRefresh time.Time
	NextTry     time.Time
	LastError   string
	Responder   string
}

// stapleJSON is the contract's form of a Staple: every key is always there.
type stapleJSON struct {
	State       string     `json:"state"`
	Reason      string     `json:"reason"`
	ThisUpdate  *time.Time `json:"this_update"`
	NextUpdate  *time.Time `json:"next_update"`
	LastRefresh *time.Time `json:"last_refresh"`
	NextTry     *time.Time `json:"next_try"`
	LastError   string     `json:"last_error"`
	Responder   string     `json:"responder"`
}

// MarshalJSON writes the contract's form.
func (s Staple) MarshalJSON() ([]byte, error) {
	return json.Marshal(stapleJSON{
		s.State, s.Reason, orNull(s.ThisUpdate), orNull(s.NextUpdate), orNull(s.LastRefresh), orNull(s.NextTry),
		s.LastError, s.Responder,
	})
}

// UnmarshalJSON reads the contract's form.
func (s *Staple) UnmarshalJSON(b []byte) error {
	var form stapleJSON
	if err := json.Unmarshal(b, &form); err != nil {
		return err
	}
	*s = Staple{
		form.State, form.Reason, orZero(form.ThisUpdate), orZero(form.NextUpdate), orZero(form.LastRefresh), orZero(form.NextTry),
		form.LastError, form.Responder,
	}
	return nil
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Outcome is what one leaf's refresh found out.
type Outcome struct {
	Reason string `json:"reason"` // of this refresh: "good" only if it brought a verified good
	Staple Staple `json:"staple"` // the state afterwards
	CRL    *CRL   `json:"crl,omitempty"`
}

// Refreshed is the outcome of one asked-for refresh.
type Refreshed struct {
	Names       []string `json:"names"`
	Fingerprint string   `json:"fingerprint"`
	Error       string   `json:"error"`
	Outcome
}

// inUTC is s with every time in UTC and without the noise of fractions.
func (s Status) inUTC() Status {
	s.Started = utc(s.Started)
	if s.LastReload != nil {
		s.LastReload = &Reload{At: utc(s.LastReload.At), Error: s.LastReload.Error}
	}
	s.Storage = s.Storage.inUTC()
	s.Certificates = certificatesInUTC(s.Certificates)
	s.Relays = relaysInUTC(s.Relays)
	if s.Listeners == nil {
		s.Listeners = []string{}
	}
	return s
}

func certificatesInUTC(in []Certificate) []Certificate {
	out := make([]Certificate, len(in))
	for i, c := range in {
		c.NotBefore, c.NotAfter, c.Staple = utc(c.NotBefore), utc(c.NotAfter), c.Staple.inUTC()
		c.ACME, c.CRL = c.ACME.inUTC(), c.CRL.inUTC()
		if c.Names == nil {
			c.Names = []string{}
		}
		out[i] = c
	}
	return out
}

func (s Staple) inUTC() Staple {
	s.ThisUpdate, s.NextUpdate = utc(s.ThisUpdate), utc(s.NextUpdate)
	s.LastRefresh, s.NextTry = utc(s.LastRefresh), utc(s.NextTry)
	return s
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}
