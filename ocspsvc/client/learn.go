package client

import "time"

// relearn is how long a responder's habits are believed. After a day the first
// choice gets another chance: a GET can be cached, and clients match SHA-1.
const relearn = 24 * time.Hour

// habit is the variant that a responder answered.
type habit struct {
	variant variant
	since   time.Time
}

// learn remembers that the responder at raw answered v, unless that is what it
// would be asked by anyway.
func (c *Client) learn(raw string, v, preferred variant) {
	v.fresh = false // that was about a cache, not about the responder
	if v == preferred {
		c.learned.Remove(raw)
		return
	}
	if known, ok := c.learned.Get(raw); ok && known.variant == v && time.Since(known.since) < relearn {
		return // keeps its age
	}
	c.learned.Add(raw, habit{v, time.Now()})
}

// recall is the variant that the responder at raw answered last; the zero
// variant if there is none.
func (c *Client) recall(raw string) variant {
	known, ok := c.learned.Get(raw)
	if !ok || time.Since(known.since) >= relearn {
		return variant{}
	}
	return known.variant
}
