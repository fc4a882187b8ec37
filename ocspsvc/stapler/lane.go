package stapler

import "time"

// lane is one responder with the certificates that are due at it. It is
// guarded by Service.mu.
type lane struct {
	name    string
	ready   *queue // due, by urgency
	members int    // certificates that belong here, due or not
	bare    int    // how many of ready have no staple
	breaker breaker

	// proven: its last round got an answer. Lanes that may cost a timeout
	// yield to proven ones.
	proven bool
}

// best is the certificate whose turn it is in this lane. The probe of a half
// open breaker goes to one that has not failed itself, if there is one: a
// certificate with trouble of its own must not keep the others waiting.
func (l *lane) best() *certificate {
	if l.breaker.closed() {
		return l.ready.top()
	}
	var probe *certificate
	for _, c := range l.ready.items {
		if probe == nil || probesBefore(c, probe) {
			probe = c
		}
	}
	return probe
}

func probesBefore(a, b *certificate) bool {
	if a.failing.IsZero() != b.failing.IsZero() {
		return a.failing.IsZero()
	}
	if !a.failing.IsZero() && !a.due.Equal(b.due) {
		return a.due.Before(b.due)
	}
	return moreUrgent(a, b)
}

// yields reports whether the lane should leave the turn to a proven one. What
// an unproven lane's round cost in time is given to the others first.
func (l *lane) yields(now, until time.Time) bool { return !l.proven && now.Before(until) }
