package responder

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// trust is how long a record counts as what the database says. A revocation is
// in the answers after that long, by whatever means it got into the database.
const trust = time.Second

// Roughly what an entry and an answer cost besides their key and octets.
const (
	entryCost  = 400
	answerCost = 600

	// answerSpare is room for any answer.
	answerSpare = 16 << 10
)

// cache keeps the records that have been read lately and the answers signed from
// them, the least recently asked for go first. Serials without a record leave
// nothing here.
type cache struct {
	maxEntries int
	maxBytes   int64

	mu       sync.Mutex // guards all below
	entries  *simplelru.LRU[string, *entry]
	bytes    int64
	distrust time.Time // records read before it are not trusted
}

// entry is what is kept about one certificate.
type entry struct {
	record  Record
	readAt  time.Time // when the reading of record began
	answers [forms]*kept
	cost    int64
}

func newCache(entries int, bytes int64) *cache {
	c := &cache{maxEntries: entries, maxBytes: bytes}
	c.entries, _ = simplelru.NewLRU(entries, func(_ string, e *entry) { c.bytes -= e.cost }) // entries is positive
	return c
}

// find returns the valid answer of that form, if there is one, and whether the
// record it was made from can be trusted without reading it again.
func (c *cache) find(key string, form int, now time.Time) (hit *kept, trusted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(key)
	if !ok || e.answers[form] == nil || !e.answers[form].valid(now) {
		return nil, false
	}
	return e.answers[form], c.trusts(e, now)
}

// record returns the record if it can be trusted.
func (c *cache) record(key string, now time.Time) (Record, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(key)
	if !ok || !c.trusts(e, now) {
		return Record{}, false
	}
	return e.record, true
}

func (c *cache) trusts(e *entry, now time.Time) bool {
	return now.Sub(e.readAt) < trust && e.readAt.After(c.distrust)
}

// learn notes what the database said when it was asked at readAt. Answers that
// say something else are gone.
func (c *cache) learn(key string, record Record, readAt time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(key)
	switch {
	case !ok:
		e = &entry{record: record, readAt: readAt, cost: entryCost + int64(len(key))}
		c.bytes += e.cost
		c.entries.Add(key, e)
	case readAt.Before(e.readAt):
		return
	case e.record.Equal(record):
		e.readAt = readAt
	default:
		for form := range e.answers {
			c.put(e, form, nil)
		}
		e.record, e.readAt = record, readAt
	}
	c.shrink()
}

// keep notes an answer, unless what it was made from is outdated by now. What
// has left the cache meanwhile comes back only by learn.
func (c *cache) keep(key string, form int, k *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries.Peek(key); ok && e.record.Equal(k.record) {
		c.put(e, form, k)
		c.shrink()
	}
}

func (c *cache) put(e *entry, form int, k *kept) {
	cost := func(k *kept) int64 {
		if k == nil {
			return 0
		}
		return answerCost + int64(len(k.der))
	}
	change := cost(k) - cost(e.answers[form])
	e.answers[form] = k
	e.cost += change
	c.bytes += change
}

func (c *cache) shrink() {
	for c.bytes > c.maxBytes && c.entries.Len() > 0 {
		c.entries.RemoveOldest()
	}
}

// drop forgets a certificate: the database says that there is none.
func (c *cache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(key)
}

// doubt makes the next asker read the record again.
func (c *cache) doubt(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries.Peek(key); ok {
		e.readAt = time.Time{}
	}
}

// doubtAll is doubt for every certificate.
func (c *cache) doubtAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.distrust = time.Now()
}

// wants returns the forms in which a listed certificate is to be signed: those
// whose answers are due, or say something else than record, and first if there
// is none yet and room for one. Nothing is, if the list is outdated. It does not
// touch the order.
func (c *cache) wants(key string, record Record, listed time.Time, first int, now time.Time) (due []int, room bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Peek(key)
	switch {
	case !ok && c.full():
		return nil, false
	case !ok:
		return []int{first}, true
	case e.readAt.After(listed) && !e.record.Equal(record):
		return nil, true
	}
	for form, k := range e.answers {
		if k == nil && form == first && c.bytes+answerSpare <= c.maxBytes || k != nil && (!k.valid(now) || k.due(now) || !k.record.Equal(record)) {
			due = append(due, form)
		}
	}
	return due, true
}

// full reports whether another answer might cost one that is there.
func (c *cache) full() bool {
	return c.bytes+answerSpare > c.maxBytes || c.entries.Len() >= c.maxEntries
}

// size returns how much there is.
func (c *cache) size() (entries int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries.Len(), c.bytes
}
