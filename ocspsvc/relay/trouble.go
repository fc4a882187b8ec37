package relay

import (
	"time"

	"dwaar/ocspsvc"
)

// maxTroubles is how many CertIDs without a lasting answer are remembered. They
// have a place of their own, so that nobody pushes answers out by serials that he
// made up.
const maxTroubles = 4096

// trouble is why there is no lasting answer.
type trouble struct {
	response     *ocspsvc.Response // what is said meanwhile
	since, until time.Time
}

// trouble returns what is said instead of an answer, or nil if a responder may be
// asked.
func (c *cache) trouble(k key, now time.Time) *ocspsvc.Response {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.troubles.Get(k)
	if !ok || reached(t.until, now, lastTrouble) {
		return nil
	}
	return t.response
}

// fail notes that a subject's answer could not be had: when it is due again, and
// what is said meanwhile if there is none. It reports whether that is new.
func (c *cache) fail(k key, said *ocspsvc.Response, now time.Time) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = now.Round(0)
	e := c.peek(k)
	if e != nil && e.answer.valid(now) {
		first = e.failing.IsZero()
		if first {
			e.failing = now
		}
		e.due = now.Add(pause(now.Sub(e.failing), e.answer.until.Sub(now)))
		return first
	}
	t, ok := c.troubles.Peek(k)
	if !ok {
		t.since = now
	}
	t.response, t.until = said, now.Add(pause(now.Sub(t.since), 0))
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
