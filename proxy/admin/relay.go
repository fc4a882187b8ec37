package admin

import (
	"slices"
	"time"
)

// Relay is an OCSP relay that sites have.
type Relay struct {
	Name       string    `json:"name"` // the CAs whose certificates may be asked about
	Issuers    []Relayed `json:"issuers"`
	Prefetched int       `json:"prefetched"` // certificates of the configuration
	Asked      int       `json:"asked"`      // answers that clients asked for, in memory
	Bytes      int64     `json:"bytes"`      // which they take, about
	Stored     int       `json:"stored"`     // answers in storage
}

// Relayed is how it stands with the responder of one CA.
type Relayed struct {
	Issuer     string     `json:"issuer"`
	Responders []string   `json:"responders"`      // null: none is known yet
	Error      string     `json:"error,omitempty"` // why it is left alone; empty if it is not
	Since      *time.Time `json:"since,omitempty"` // it fails
}

func relaysInUTC(in []Relay) []Relay {
	var out []Relay
	for _, r := range in {
		r.Issuers = slices.Clone(r.Issuers)
		for i, issuer := range r.Issuers {
			if issuer.Since != nil {
				r.Issuers[i].Since = new(utc(*issuer.Since))
			}
		}
		out = append(out, r)
	}
	return out
}
