package crl

import (
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/fault"
)

// adopt makes h what counts, plans the next reading, and judges every
// certificate that it is about.
func (w *Watcher) adopt(f *feed, h *held, result string) {
	w.mu.Lock()
	now := time.Now().Round(0)
	w.noteSuccess(f, h, result)
	f.held, f.trouble, f.failing, f.lastTry, f.lapsed = h, nil, time.Time{}, now, false
	f.elsewhere = time.Time{}
	f.server.succeed()
	f.due = now.Add(sooner(h.interval(now, w.settings.Load().cfg.RefreshEvery)))
	changed := w.judgeAll(f)
	w.unlock()
	for _, c := range changed {
		w.present(c, false)
	}
}

// judgeAll wants w.mu held. It returns the certificates whose status changed.
func (w *Watcher) judgeAll(f *feed) (changed []*certificate) {
	for g := range f.groups {
		for c := range g.certs {
			if w.judge(c) {
				changed = append(changed, c)
			}
		}
	}
	return changed
}

// judge wants w.mu held. It reports whether c was, or was no longer, revoked.
func (w *Watcher) judge(c *certificate) bool {
	news, verdict := c.judge()
	if news != 0 {
		w.noteVerdict(c, verdict)
	}
	return news != 0
}

// fail files a reading without a usable list. What is held stays held, and so
// do revocations.
func (w *Watcher) fail(f *feed, err error) {
	w.mu.Lock()
	defer w.unlock()
	now, reason := time.Now().Round(0), ocspsvc.ReasonOf(err)
	w.counts.refreshes.WithLabelValues(string(reason)).Inc()
	f.trouble, f.lastTry = err, now
	if f.failing.IsZero() {
		f.failing = now
	}
	f.due = now.Add(later(max(backoff(now.Sub(f.failing)), fault.Wish(err))))
	f.server.fail(now, reason)
	w.noteFailure(f, reason)
	w.notice(f, now)
}

// notice wants w.mu held. It says once that a list has ended.
func (w *Watcher) notice(f *feed, now time.Time) {
	if f.held != nil && f.held.ended(now) && !f.lapsed {
		f.lapsed = true
		w.noteEnd(f)
	}
}
