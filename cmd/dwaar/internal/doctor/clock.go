package doctor

import (
	"context"
	"time"
)

// clock compares the time with all that cannot be later. Whether it is right nobody here
// knows: it is only told when it is certainly wrong, by being too early.
func (e *examination) clock(ctx context.Context) []Finding {
	const what, do = "clock", "set it (timedatectl), and keep it right by NTP: staples, certificates and locks live by it"
	now, latest := time.Now().Round(0), e.past(ctx)
	if now.Before(latest.at) {
		return []Finding{fail(what, "it says %s, and %s is from %s: %s", when(now), latest.what, when(latest.at), do)}
	}
	return []Finding{ok(what, "it says %s, which is not before anything that is dated here", when(now))}
}

// dated is something that lies in the past.
type dated struct {
	what string
	at   time.Time
}

// past is the latest of what lies in the past.
func (e *examination) past(ctx context.Context) (latest dated) {
	all := []dated{{"this binary", e.Built}}
	for _, c := range e.Inspection.Manual() {
		all = append(all, dated{"the certificate in " + c.Where, c.Leaf().NotBefore})
	}
	for _, c := range e.stored(ctx) {
		all = append(all, dated{"the certificate of " + c.Where, c.Leaf().NotBefore})
	}
	if s, err := e.status(ctx); err == nil {
		all = append(all, dated{"the start of the dwaar that runs", s.Started})
	}
	for _, d := range all {
		if d.at.After(latest.at) {
			latest = d
		}
	}
	return latest
}
