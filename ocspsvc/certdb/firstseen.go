package certdb

import (
	"sync"
	"time"

	"dwaar/ocspsvc/responder"
)

// maxFirstSeen bounds how many times firstSeen keeps.
const maxFirstSeen = 100_000

// firstSeen is since when certificates count as revoked whose rows do not say it.
type firstSeen struct {
	began time.Time
	mu    sync.Mutex
	times map[string]time.Time // by issuer and serial
}

func newFirstSeen() *firstSeen {
	return &firstSeen{began: now(), times: map[string]time.Time{}}
}

// at is the time of the first call about a certificate. When there are too many
// of them, further ones count from the beginning of the process.
func (f *firstSeen) at(issuer responder.IssuerID, serial []byte) time.Time {
	k := string(issuer[:]) + string(serial)
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.times[k]; ok {
		return known
	}
	if len(f.times) >= maxFirstSeen {
		return f.began
	}
	f.times[k] = now()
	return f.times[k]
}

// dated is a record with a time, if it is revoked.
func (f *firstSeen) dated(issuer responder.IssuerID, serial []byte, r responder.Record) responder.Record {
	if undated(r) {
		r.RevokedAt = f.at(issuer, serial)
	}
	return r
}

// now is in UTC, to the second.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
