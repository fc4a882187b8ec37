package relay

import "time"

// Status is how a Relay is doing.
type Status struct {
	Issuers    []IssuerStatus `json:"issuers"`
	Prefetched int            `json:"prefetched"` // certificates of the configuration
	Asked      int            `json:"asked"`      // answers that clients asked for, in memory
	Bytes      int64          `json:"bytes"`      // which they take, about
	Stored     int            `json:"stored"`
}

// IssuerStatus is how it stands with the responder of one issuer.
type IssuerStatus struct {
	Issuer     string     `json:"issuer"`
	Responders []string   `json:"responders"`
	Error      string     `json:"error,omitempty"` // why it is left alone; empty if it is not
	Since      *time.Time `json:"since,omitempty"` // it fails
}

// Status returns how the relay is doing.
func (r *Relay) Status() Status {
	var status Status
	for _, a := range r.roster.Load().all {
		issuer := IssuerStatus{Issuer: a.issuer.Subject.String(), Responders: a.responders(nil)}
		if since, err := a.upstream.state(); err != nil {
			issuer.Error, issuer.Since = err.Error(), &since
		}
		status.Issuers = append(status.Issuers, issuer)
	}
	status.Prefetched, status.Asked, status.Bytes = r.cache.size()
	status.Stored = r.shelf.size()
	return status
}
