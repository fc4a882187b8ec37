package admin

import "time"

// Status is what GET /status and `dwaar status --json` show. All times are
// shown in UTC (RFC 3339); a zero time is left out.
type Status struct {
	Version      string        `json:"version"`
	Started      time.Time     `json:"started,omitzero"`
	Config       string        `json:"config"` // absolute path of the Dwaarfile
	Listeners    []string      `json:"listeners"`
	Ready        bool          `json:"ready"`
	LastReload   *Reload       `json:"last_reload,omitempty"` // nil before the first
	Certificates []Certificate `json:"certificates"`
}

// Reload is the outcome of one reload.
type Reload struct {
	At    time.Time `json:"at,omitzero"`
	Error string    `json:"error"` // empty: the new configuration runs
}

// Certificate is one leaf that dwaar serves.
type Certificate struct {
	Names       []string  `json:"names"`
	Source      string    `json:"source"` // manual, acme, internal or on_demand
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`      // hex
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the leaf, hex
	NotBefore   time.Time `json:"not_before,omitzero"`
	NotAfter    time.Time `json:"not_after,omitzero"`
	MustStaple  bool      `json:"must_staple"`
	Alarm       bool      `json:"must_staple_alarm"` // served without the staple its clients insist on (S13)
	Revoked     bool      `json:"revoked"`
	Staple      Staple    `json:"staple"`
}

// Staple is the state of one leaf's OCSP response.
type Staple struct {
	State       string    `json:"state"`  // fresh, stale or none
	Reason      string    `json:"reason"` // one of the reason words
	ThisUpdate  time.Time `json:"this_update,omitzero"`
	NextUpdate  time.Time `json:"next_update,omitzero"`
	LastRefresh time.Time `json:"last_refresh,omitzero"`
	NextTry     time.Time `json:"next_try,omitzero"`
	LastError   string    `json:"last_error"`
	Responder   string    `json:"responder"`
}

// Refreshed is the outcome of one asked-for refresh.
type Refreshed struct {
	Names       []string `json:"names"`
	Fingerprint string   `json:"fingerprint"`
	Reason      string   `json:"reason"` // of this refresh: "good" only if it brought a verified good
	Error       string   `json:"error"`
	Staple      Staple   `json:"staple"`
}

// inUTC is s with every time in UTC and without the noise of fractions.
func (s Status) inUTC() Status {
	s.Started = utc(s.Started)
	if s.LastReload != nil {
		s.LastReload = &Reload{At: utc(s.LastReload.At), Error: s.LastReload.Error}
	}
	s.Certificates = certificatesInUTC(s.Certificates)
	if s.Listeners == nil {
		s.Listeners = []string{}
	}
	return s
}

func certificatesInUTC(in []Certificate) []Certificate {
	out := make([]Certificate, len(in))
	for i, c := range in {
		c.NotBefore, c.NotAfter, c.Staple = utc(c.NotBefore), utc(c.NotAfter), c.Staple.inUTC()
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
