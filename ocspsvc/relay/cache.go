package relay

import (
	"crypto/x509"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"dwaar/ocspsvc"
)

// About what an answer costs besides its octets: its place, what it was parsed to,
// its header fields, and each certificate in it.
const (
	entryCost       = 2200
	certificateCost = 4000
)

// subject is a certificate that can be asked about.
type subject struct {
	key       key
	id        ocspsvc.CertID
	authority *authority
	leaf      *x509.Certificate // nil if only its CertID is known
}

// entry is what is known about a subject. It is guarded by the cache.
type entry struct {
	subject
	answer  *answer   // the last one; nil only for a prefetched one
	due     time.Time // when it is asked for again
	failing time.Time // since when that fails; zero if it does not
	asked   time.Time // by a client
	place   int       // in the row of its authority
}

// cache is the answers in memory: those of prefetched certificates, and of the
// others those that were asked for last.
type cache struct {
	maxBytes int64

	mu       sync.Mutex // guards the rest
	pinned   map[key]*entry
	others   *simplelru.LRU[key, *entry]
	bytes    int64 // of others
	troubles *simplelru.LRU[key, trouble]
}

func newCache(entries int, bytes int64) *cache {
	c := &cache{maxBytes: bytes, pinned: map[key]*entry{}}
	c.others, _ = simplelru.NewLRU(entries, func(_ key, e *entry) { // entries is positive
		c.bytes -= e.cost()
		e.authority.entries.remove(e)
	})
	c.troubles, _ = simplelru.NewLRU[key, trouble](maxTroubles, nil)
	return c
}

func (e *entry) cost() int64 {
	r := e.answer.response
	return entryCost + int64(len(r.Raw)) + certificateCost*int64(len(r.Certificates))
}

// used is the entry of a key, or nil. It wants c.mu held, as does peek, which does
// not touch the order.
func (c *cache) used(k key) *entry {
	if e := c.pinned[k]; e != nil {
		return e
	}
	e, _ := c.others.Get(k)
	return e
}

func (c *cache) peek(k key) *entry {
	if e := c.pinned[k]; e != nil {
		return e
	}
	e, _ := c.others.Peek(k)
	return e
}

// find returns the valid answer for a client, or nil.
func (c *cache) find(k key, now time.Time) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.used(k)
	if e == nil || !e.answer.valid(now) {
		return nil
	}
	e.asked = now
	return e.answer
}

// held returns the answer there is, valid or not, or nil.
func (c *cache) held(k key) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.peek(k); e != nil {
		return e.answer
	}
	return nil
}

// keep takes in an answer.
func (c *cache) keep(s subject, a *answer, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.troubles.Remove(s.key)
	if e := c.pinned[s.key]; e != nil {
		e.answer, e.due, e.failing = a, a.due(), time.Time{}
		return
	}
	e := &entry{subject: s, answer: a, due: a.due(), asked: now}
	if old, ok := c.others.Peek(s.key); ok {
		e.asked = old.asked
		c.others.Remove(s.key)
	}
	c.add(e)
}

// add wants c.mu held, and no entry of that key.
func (c *cache) add(e *entry) {
	c.bytes += e.cost()
	c.others.Add(e.key, e)
	e.authority.entries.add(e)
	for c.bytes > c.maxBytes && c.others.Len() > 0 {
		c.others.RemoveOldest()
	}
}

// drop forgets answers of an authority that have ended, but not whose they were if they
// are prefetched.
func (c *cache) drop(a *authority, now time.Time) {
	c.each(a, func(e *entry) {
		if !e.answer.valid(now) && c.pinned[e.key] == nil {
			c.others.Remove(e.key)
		}
	})
}

// size returns how much there is.
func (c *cache) size() (prefetched, others int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pinned), c.others.Len(), c.bytes
}
