package relay

import "time"

// prefetched is the subject of a key with its leaf, or else s.
func (c *cache) prefetched(s subject) subject {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.pinned[s.key]; e != nil {
		return e.subject
	}
	return s
}

// pin makes these, and no others, the prefetched ones, and returns those that are
// new. What is no longer among them counts as asked for now.
func (c *cache) pin(subjects []subject, now time.Time) (added []subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.pinned
	c.pinned = make(map[key]*entry, len(subjects))
	for _, s := range subjects {
		if c.pinned[s.key] != nil { // in two files
			continue
		}
		e := before[s.key]
		if e == nil {
			added = append(added, s)
			e = &entry{due: now.Round(0)}
			if other, ok := c.others.Peek(s.key); ok {
				*e = *other
				c.others.Remove(s.key)
			}
		} else {
			e.authority.entries.remove(e)
		}
		delete(before, s.key)
		e.subject = s
		s.authority.entries.add(e)
		c.pinned[s.key] = e
	}
	for _, e := range before {
		e.authority.entries.remove(e)
		if e.answer.valid(now) {
			e.asked = now
			c.add(e)
		}
	}
	return added
}
