package responder

import (
	"errors"
	"fmt"
	"time"
)

// Status is how a Signer is doing.
type Status struct {
	Ready         bool           `json:"ready"`
	Database      string         `json:"database,omitempty"`       // why it cannot be read; empty if it can
	DatabaseSince *time.Time     `json:"database_since,omitempty"` // it is so
	Signers       []SignerStatus `json:"signers"`
	CacheEntries  int            `json:"cache_entries"`
	CacheBytes    int64          `json:"cache_bytes"`
}

// SignerStatus is how it stands with who signs for one CA.
type SignerStatus struct {
	Issuer   string    `json:"issuer"`
	Signer   string    `json:"signer"`
	State    string    `json:"state"` // valid, ending or ended
	NotAfter time.Time `json:"not_after"`
}

// Status returns how the signer is doing.
func (s *Signer) Status() Status {
	now := time.Now()
	status := Status{Ready: s.Ready() == nil}
	if since, err := s.db.state(); !since.IsZero() {
		status.DatabaseSince = &since
		if err != nil {
			status.Database = err.Error()
		}
	}
	for _, a := range s.authorities {
		status.Signers = append(status.Signers, SignerStatus{
			Issuer: a.Issuer.Subject.String(), Signer: a.Signer.Subject.String(),
			State: string(a.state(now, s.cfg.Validity)), NotAfter: a.ends().UTC(),
		})
	}
	status.CacheEntries, status.CacheBytes = s.cache.size()
	return status
}

// Ready returns nil if every certificate can be answered for, else why not: the
// records cannot be read, or a signer's certificate has ended. Answers in the
// cache are served all the same.
func (s *Signer) Ready() error {
	var wrong []error
	if _, err := s.db.state(); err != nil {
		wrong = append(wrong, fmt.Errorf("the responder's database cannot be read: %w", err))
	}
	now := time.Now()
	for _, a := range s.authorities {
		wrong = append(wrong, a.inTime(now))
	}
	return errors.Join(wrong...)
}
