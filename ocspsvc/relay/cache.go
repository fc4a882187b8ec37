package relay

import (
	"crypto/x509"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"dwaar/ocspsvc"
)

// About what an answer costs besides its octets: its place and what it was parsed
// to, and each certificate in it.
const (
	entryCost       = 1500
	certificateCost = 4000
)

// maxTroubles is how many CertIDs without a lasting answer are remembered. They
// have a place of their own, so that nobody pushes answers out by serials that he
// made up.
const maxTroubles = 4096

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
}

// trouble is why there is no lasting answer.
type trouble struct {
	response     *ocspsvc.Response // what is said meanwhile
	since, until time.Time
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
	c.others, _ = simplelru.NewLRU(entries, func(_ key, e *entry) { c.bytes -= e.cost() }) // entries is positive
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

// prefetched is the subject of a key with its leaf, or else s.
func (c *cache) prefetched(s subject) subject {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.pinned[s.key]; e != nil {
		return e.subject
	}
	return s
}

// trouble returns what is said instead of an answer, or nil if a responder may be
// asked.
func (c *cache) trouble(k key, now time.Time) *ocspsvc.Response {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.troubles.Get(k)
	if !ok || !now.Round(0).Before(t.until) {
		return nil
	}
	return t.response
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
	for c.bytes > c.maxBytes && c.others.Len() > 0 {
		c.others.RemoveOldest()
	}
}

// fail notes that a subject's answer could not be had: when it is due again, and
// what is said meanwhile if there is none. It reports whether that is new.
func (c *cache) fail(k key, said *ocspsvc.Response, wish time.Duration, now time.Time) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = now.Round(0)
	e := c.peek(k)
	if e != nil && e.answer.valid(now) {
		first = e.failing.IsZero()
		if first {
			e.failing = now
		}
		e.due = now.Add(pause(now.Sub(e.failing), e.answer.until.Sub(now), wish))
		return first
	}
	t, ok := c.troubles.Peek(k)
	if !ok {
		t.since = now
	}
	t.response, t.until = said, now.Add(pause(now.Sub(t.since), 0, wish))
	c.troubles.Add(k, t)
	if e != nil {
		first = e.failing.IsZero()
		e.due, e.failing = t.until, t.since
	}
	return first
}

// hold answers by a transient answer while it lasts.
func (c *cache) hold(k key, a *answer, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.troubles.Add(k, trouble{response: a.response, since: now.Round(0), until: a.until})
	if e := c.peek(k); e != nil {
		e.due, e.failing = a.until, time.Time{}
	}
}

// postpone makes a subject due later, for a reason that is not its own.
func (c *cache) postpone(k key, due time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.peek(k); e != nil {
		e.due = due
	}
}

// dueBefore reports whether an entry is due before then, and so perhaps before
// anybody looks again.
func (c *cache) dueBefore(k key, then time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.peek(k)
	return e != nil && e.due.Before(then)
}

// claimFor is how long an entry that was taken as due is not due again, unless
// its flight lands.
const claimFor = 10 * time.Minute

// claim returns up to n subjects of an authority that are due, and when the next
// one is. What nobody has asked for lately is left to end.
func (c *cache) claim(a *authority, n int, now time.Time) (due []subject, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = now.Round(0)
	next = now.Add(checkEvery)
	look := func(e *entry) {
		switch {
		case e.authority != a:
		case now.Before(e.due):
			next = earlier(next, e.due)
		case len(due) == n:
			next = now
		default:
			due = append(due, e.subject)
			e.due = now.Add(claimFor)
		}
	}
	for _, e := range c.pinned {
		look(e)
	}
	for _, e := range c.others.Values() {
		if now.Sub(e.asked) < unusedAfter && e.answer.valid(now) {
			look(e)
		}
	}
	return due, next
}

// pin makes these, and no others, the prefetched ones, and returns those that are
// new. What is no longer among them counts as asked for now.
func (c *cache) pin(subjects []subject, now time.Time) (added []subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.pinned
	c.pinned = make(map[key]*entry, len(subjects))
	for _, s := range subjects {
		e := before[s.key]
		if e == nil {
			added = append(added, s)
			e = &entry{due: now.Round(0)}
			if other, ok := c.others.Peek(s.key); ok {
				*e = *other
				c.others.Remove(s.key)
			}
		}
		delete(before, s.key)
		e.subject = s
		c.pinned[s.key] = e
	}
	for _, e := range before {
		if e.answer.valid(now) {
			e.asked = now
			c.add(e)
		}
	}
	return added
}

// drop forgets answers that have ended.
func (c *cache) drop(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.others.Keys() {
		if e, _ := c.others.Peek(k); !e.answer.valid(now) {
			c.others.Remove(k)
		}
	}
}

// size returns how much there is.
func (c *cache) size() (prefetched, others int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pinned), c.others.Len(), c.bytes
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
