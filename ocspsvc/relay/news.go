package relay

import "context"

// maxNews is how many changes in storage may wait to be looked at, one by one.
const maxNews = 1024

// news is what other nodes have changed in storage.
type news struct {
	keys chan key
	all  chan struct{} // any may have changed
}

func newNews() news { return news{keys: make(chan key, maxNews), all: make(chan struct{}, 1)} }

// Stored says that another node has changed what storage has under that key, or, if
// it is "", anything. The relay looks soon, and takes over what counts, so that a
// revocation is known to all as soon as it is to one. It never blocks.
func (r *Relay) Stored(name string) {
	if name != "" {
		k, ok := keyNamed(name)
		if !ok {
			return
		}
		select {
		case r.news.keys <- k:
			return
		default: // too many to be looked at one by one
		}
	}
	select {
	case r.news.all <- struct{}{}:
	default:
	}
}

// follow looks at what has changed, at one record at a time.
func (r *Relay) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case k := <-r.news.keys:
			r.lookAt(ctx, k)
		case <-r.news.all:
			for _, k := range r.keys() {
				if ctx.Err() == nil {
					r.lookAt(ctx, k)
				}
			}
		}
	}
}

// lookAt takes over a changed record of what is in memory. What is not is read when
// somebody asks; until then it only counts as no stranger.
func (r *Relay) lookAt(ctx context.Context, k key) {
	s, there := r.cache.subject(k)
	if !there {
		r.shelf.appeared(k)
		return
	}
	r.recall(ctx, s)
}

// subject is whose entry there is. What had to be said instead of an answer is
// forgotten: there may be one now.
func (c *cache) subject(k key) (s subject, there bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.troubles.Remove(k)
	if e := c.peek(k); e != nil {
		return e.subject, true
	}
	return s, false
}

// keys are those of all entries.
func (r *Relay) keys() (keys []key) {
	for _, a := range r.roster.Load().all {
		r.cache.each(a, func(e *entry) { keys = append(keys, e.key) })
	}
	return keys
}
