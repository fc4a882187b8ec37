package ratelimit

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Limiter counts the events of one zone, by a sliding window in slices.
//
// It knows MaxKeys keys, each at the price of a few counters. When there is one more, the one
// that was seen least recently is forgotten, and may do as much again as a stranger: memory
// stays bounded and strangers are let in, but who has more addresses than there are places
// can get around the limit. A key that is refused has been seen, so that who goes on in vain
// stays known.
type Limiter struct {
	zone  Zone
	begun time.Time
	slice time.Duration

	mu      sync.Mutex // guards the rest
	windows *simplelru.LRU[key, *window]
	evicted time.Time // when a key was last forgotten that still had events
}

// key is who is counted: a network, or a text.
type key struct {
	network netip.Prefix
	text    string
}

// maxText is the longest text that is kept as it is: it is the client's to choose.
const maxText = 64

// New returns a limiter for a zone that was checked.
func New(z Zone) *Limiter {
	z = z.withDefaults()
	windows, err := simplelru.NewLRU[key, *window](z.MaxKeys, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Limiter{zone: z, begun: time.Now(), slice: max(z.Window/slices, 1), windows: windows}
}

// Verdict is what a limiter says of an event.
type Verdict struct {
	Allowed bool
	// Wait is how long until one more is allowed, if this one is not.
	Wait time.Duration
	// Crowded says that the limiter has just had to forget somebody who had events, for the
	// first time in a minute.
	Crowded bool
}

// Address counts an event of an address, or asks it to wait. An invalid one is that of all
// who have none.
func (l *Limiter) Address(addr netip.Addr) Verdict {
	return l.count(key{network: l.zone.network(addr)})
}

// Text counts an event of whoever is called so. One that is an address is counted as that.
func (l *Limiter) Text(text string) Verdict {
	if addr, err := netip.ParseAddr(text); err == nil {
		return l.Address(addr)
	}
	if len(text) > maxText {
		sum := sha256.Sum256([]byte(text))
		text = "sha256:" + string(sum[:])
	}
	return l.count(key{text: text})
}

func (l *Limiter) count(k key) Verdict {
	elapsed := time.Since(l.begun)
	now := int64(elapsed / l.slice)
	l.mu.Lock()
	defer l.mu.Unlock()
	w, known := l.windows.Get(k)
	crowded := false
	if !known {
		crowded = l.makeRoom(now)
		w = &window{newest: now}
		l.windows.Add(k, w)
	}
	w.slide(now)
	if w.total < uint32(l.zone.Events) {
		w.add()
		return Verdict{Allowed: true, Crowded: crowded}
	}
	return Verdict{Wait: time.Duration(w.oldest()+counted)*l.slice - elapsed, Crowded: crowded}
}

// makeRoom forgets who was seen least recently, if there is no place left, and reports whether
// that is worth telling.
func (l *Limiter) makeRoom(now int64) (tell bool) {
	if l.windows.Len() < l.zone.MaxKeys {
		return false
	}
	_, w, _ := l.windows.RemoveOldest()
	if w.slide(now); w.total == 0 {
		return false
	}
	tell = l.evicted.IsZero() || time.Since(l.evicted) >= time.Minute
	if tell {
		l.evicted = time.Now()
	}
	return tell
}
