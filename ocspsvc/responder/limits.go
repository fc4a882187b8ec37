package responder

import (
	"cmp"
	"fmt"

	"dwaar/ocspsvc"
)

// Limits bound what clients can make a responder do. Zero values mean the
// defaults.
type Limits struct {
	// CertIDs is how many certificates one request may ask about, at most
	// ocspsvc.MaxCertIDs. Default 32. A request whose answer would be larger than
	// ocspsvc.MaxResponseSize is refused too.
	CertIDs int `json:"cert_ids,omitempty"`

	// CacheEntries and CacheBytes bound the signed answers in memory. Defaults
	// 100,000 certificates and 256 MiB.
	CacheEntries int   `json:"cache_entries,omitempty"`
	CacheBytes   int64 `json:"cache_bytes,omitempty"`

	// Queue is how many signings may wait for a processor; what comes then is
	// answered by tryLater at once. Default 256.
	Queue int `json:"queue,omitempty"`

	// UnissuedRate is how many answers about certificates that are not in the
	// records are signed in a second, all clients together. What comes then is
	// answered by tryLater. Default 100.
	UnissuedRate int `json:"unissued_rate,omitempty"`
}

// The defaults of Limits.
const (
	DefaultCertIDs      = 32
	DefaultCacheEntries = 100_000
	DefaultCacheBytes   = 256 << 20
	DefaultQueue        = 256
	DefaultUnissuedRate = 100
)

func (l Limits) check() (wrong []error) {
	for _, limit := range []struct {
		option     string
		value, max int64
	}{
		{"cert_ids", int64(l.CertIDs), ocspsvc.MaxCertIDs}, {"cache_entries", int64(l.CacheEntries), 100_000_000},
		{"cache_bytes", l.CacheBytes, 1 << 40}, {"queue", int64(l.Queue), 1_000_000}, {"unissued_rate", int64(l.UnissuedRate), 1_000_000},
	} {
		if limit.value < 0 || limit.value > limit.max {
			wrong = append(wrong, fmt.Errorf("%s: %d is not between 1 and %d", limit.option, limit.value, limit.max))
		}
	}
	return wrong
}

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	l.CertIDs = cmp.Or(l.CertIDs, DefaultCertIDs)
	l.CacheEntries = cmp.Or(l.CacheEntries, DefaultCacheEntries)
	l.CacheBytes = cmp.Or(l.CacheBytes, DefaultCacheBytes)
	l.Queue = cmp.Or(l.Queue, DefaultQueue)
	l.UnissuedRate = cmp.Or(l.UnissuedRate, DefaultUnissuedRate)
	return l
}
