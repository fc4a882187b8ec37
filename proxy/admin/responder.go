package admin

import "time"

// Responder is an OCSP responder that sites have.
type Responder struct {
	Name         string   `json:"name"`            // the CAs it answers for
	Database     string   `json:"database"`        // without a password
	Ready        bool     `json:"ready"`           // it can answer for every certificate
	Error        string   `json:"error,omitempty"` // of the database; empty: it can be read
	Signers      []Signer `json:"signers"`
	CacheEntries int      `json:"cache_entries"`
	CacheBytes   int64    `json:"cache_bytes"`
}

// Signer is who signs for a CA.
type Signer struct {
	Issuer   string    `json:"issuer"`
	Signer   string    `json:"signer"`
	State    string    `json:"state"` // valid, ending or ended
	NotAfter time.Time `json:"not_after"`
}
