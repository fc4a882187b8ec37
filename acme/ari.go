package acme

import (
	"context"
	"errors"
	"time"

	"dwaar/acme/issuing"
)

// renewalWindow is when the CA wants a certificate to be renewed (RFC 9773).
type renewalWindow struct {
	start, end time.Time
	at         time.Time // a random time in between; zero if the CA has no wish
	ask        time.Time // when to ask again
	failures   int
	page       string // where the CA says why; may be empty
}

// How often a CA is asked: as its Retry-After says, within bounds (RFC 9773 §4.3.1).
const (
	leastInquiry   = time.Hour
	mostInquiry    = 24 * time.Hour
	defaultInquiry = 6 * time.Hour
)

// firstInquiry is the time within which the CA is asked about a certificate that is new
// here, so that a start with many of them does not ask about all at once, and neither do
// several nodes that have got it from each other.
func (m *Manager) firstInquiry() time.Duration {
	return min(max(time.Duration(len(m.entries))*100*time.Millisecond, time.Minute), leastInquiry)
}

// inquire asks the CA of the certificate that is held.
func (m *Manager) inquire(ctx context.Context, t *task) (renewalWindow, error) {
	info, err := m.issuer.RenewalInfo(ctx, t.policy, t.held)
	if err != nil {
		return renewalWindow{}, err
	}
	return newWindow(info), nil
}

// newWindow chooses a time within the window, so that all clients of the CA do not come
// together (RFC 9773 §4.2). A window that ends before it starts is none.
func newWindow(info issuing.RenewalInfo) renewalWindow {
	now, after := time.Now().Round(0), defaultInquiry
	if !info.RetryAfter.IsZero() {
		after = info.RetryAfter.Sub(now)
	}
	w := renewalWindow{ask: now.Add(aLittleMore(min(max(after, leastInquiry), mostInquiry)))}
	if info.End.After(info.Start) {
		w.start, w.end, w.page = info.Start, info.End, info.Explanation
		w.at = info.Start.Add(spread(info.End.Sub(info.Start))).Round(0)
	}
	return w
}

// takeWindow takes over what the CA has said. The time once chosen in a window stays.
func (m *Manager) takeWindow(t *task, r result) (say func()) {
	e := t.entry
	if errors.Is(r.err, issuing.ErrNoRenewalInfo) {
		e.ari.ask = time.Now().Add(aLittleMore(mostInquiry)).Round(0)
		return func() {}
	}
	if r.err != nil {
		e.ari.failures++
		pause := min(leastInquiry<<min(e.ari.failures-1, 5), mostInquiry)
		e.ari.ask = time.Now().Add(aLittleMore(pause)).Round(0)
		return func() { m.log.Debug("asking for the renewal window failed", append(t.who(), "err", r.err)...) }
	}
	was, planned := e.ari, e.renewal()
	e.ari = r.window
	if was.start.Equal(r.window.start) && was.end.Equal(r.window.end) {
		e.ari.at = was.at
	}
	if at := e.renewal(); !at.Before(planned) || !at.Before(soonestByAge(e.cert)) {
		return func() {} // no news, or within what chance makes of the renewal by age
	}
	return func() { m.noteWindow(t, r.window) }
}
