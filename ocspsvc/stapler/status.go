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
	LastError   string         `json:"last_error"`            // of the last refresh; "" after a success
	Responder   string         `json:"responder"`             // where is asked: the first URL in the certificate

	MustStaple bool      `json:"must_staple,omitempty"` // the certificate demands a staple (RFC 7633, S13)
	RevokedAt  time.Time `json:"revoked_at,omitzero"`   // set while the certificate counts as revoked
}
