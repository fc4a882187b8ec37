package ocspsvc

import (
	"encoding/json"
	"time"
)

// Verdict is what Verify found: what a response says about a certificate if it
// can be believed, and otherwise, with Status zero, why it cannot.
//
// Its JSON form is the contract's: {"valid","status","reason","this_update",
// "next_update","produced_at","revoked_at","revocation_reason","responder"},
// times in RFC 3339 UTC and null where there is none.
type Verdict struct {
	Status Status // zero if the response cannot be believed
	Reason Reason // good, revoked or unknown; else why not

	ThisUpdate time.Time
	NextUpdate time.Time // zero if the response has none
	ProducedAt time.Time

	RevokedAt        time.Time // zero unless Revoked
	RevocationReason RevocationReason
	NotIssued        bool // revoked because the CA never issued it (RFC 6960 §2.2)

	Responder string // subject of the signing certificate

	// SignerNotAfter is when the delegate that signed expires; zero if the
	// issuer signed itself.
	SignerNotAfter time.Time

	// SignerUnchecked: a delegate without id-pkix-ocsp-nocheck signed, so its
	// own revocation ought to be checked, and was not (RFC 6960 §4.2.2.2.1).
	SignerUnchecked bool
}

// Valid reports whether the response can be believed, whatever it says.
func (v Verdict) Valid() bool { return v.Status != 0 }

// Refusal is the verdict on a response that could not be had, read or
// believed because of err.
func Refusal(err error) Verdict { return Verdict{Reason: ReasonOf(err)} }

// verdictJSON is the contract's form.
type verdictJSON struct {
	Valid            bool       `json:"valid"`
	Status           Status     `json:"status"`
	Reason           Reason     `json:"reason"`
	ThisUpdate       *time.Time `json:"this_update"`
	NextUpdate       *time.Time `json:"next_update"`
	ProducedAt       *time.Time `json:"produced_at"`
	RevokedAt        *time.Time `json:"revoked_at"`
	RevocationReason string     `json:"revocation_reason"`
	Responder        string     `json:"responder"`
}

// MarshalJSON returns the contract's form.
func (v Verdict) MarshalJSON() ([]byte, error) {
	form := verdictJSON{
		Valid: v.Valid(), Status: v.Status, Reason: v.Reason,
		ThisUpdate: timeOrNull(v.ThisUpdate), NextUpdate: timeOrNull(v.NextUpdate),
		ProducedAt: timeOrNull(v.ProducedAt), RevokedAt: timeOrNull(v.RevokedAt), Responder: v.Responder,
	}
	if v.Status == Revoked {
		form.RevocationReason = v.RevocationReason.String()
	}
	return json.Marshal(form)
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
