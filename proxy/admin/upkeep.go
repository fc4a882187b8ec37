package admin

import (
	"encoding/json"
	"time"
)

// ACME is how dwaar keeps a certificate that it gets itself, from a CA or from
// its own. A zero time is null.
type ACME struct {
	NextRenewal time.Time
	LastError   string    // of the last attempt; empty if it brought the certificate
	NextTry     time.Time // after an attempt that brought none
}

// CRL is what the revocation list says of a certificate that has no responder.
// A zero time is null.
type CRL struct {
	State      string // the watcher's word, such as good, revoked or none
	Reason     string // why it is in that state
	URL        string
	NextUpdate time.Time
	LastError  string
}

// acmeJSON and crlJSON always have every key.
type acmeJSON struct {
	NextRenewal *time.Time `json:"next_renewal"`
	LastError   string     `json:"last_error"`
	NextTry     *time.Time `json:"next_try"`
}

type crlJSON struct {
	State      string     `json:"state"`
	Reason     string     `json:"reason"`
	URL        string     `json:"url"`
	NextUpdate *time.Time `json:"next_update"`
	LastError  string     `json:"last_error"`
}

// MarshalJSON writes every key, a zero time as null.
func (a ACME) MarshalJSON() ([]byte, error) {
	return json.Marshal(acmeJSON{orNull(a.NextRenewal), a.LastError, orNull(a.NextTry)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *ACME) UnmarshalJSON(b []byte) error {
	var form acmeJSON
	if err := json.Unmarshal(b, &form); err != nil {
		return err
	}
	*a = ACME{orZero(form.NextRenewal), form.LastError, orZero(form.NextTry)}
	return nil
}

// MarshalJSON writes every key, a zero time as null.
func (c CRL) MarshalJSON() ([]byte, error) {
	return json.Marshal(crlJSON{c.State, c.Reason, c.URL, orNull(c.NextUpdate), c.LastError})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *CRL) UnmarshalJSON(b []byte) error {
	var form crlJSON
	if err := json.Unmarshal(b, &form); err != nil {
		return err
	}
	*c = CRL{form.State, form.Reason, form.URL, orZero(form.NextUpdate), form.LastError}
	return nil
}

func (a *ACME) inUTC() *ACME {
	if a == nil {
		return nil
	}
	return &ACME{utc(a.NextRenewal), a.LastError, utc(a.NextTry)}
}

func (c *CRL) inUTC() *CRL {
	if c == nil {
		return nil
	}
	shown := *c
	shown.NextUpdate = utc(c.NextUpdate)
	return &shown
}
