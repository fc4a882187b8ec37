package crl

import (
	"context"
	"time"
)

// next is the feed whose turn it is, or how long there is none. A feed that has
// nothing yet goes first; storage is looked into however long its server is
// left alone.
func (w *Watcher) next(now time.Time) (best *feed, wait time.Duration) {
	w.mu.Lock()
	defer w.unlock()
	wait = longestSleep
	every := w.settings.Load().cfg.RefreshEvery
	for _, f := range w.feeds {
		if f.busy != nil || !f.wanted(now) {
			continue
		}
		w.notice(f, now)
		if f.nextTry().Sub(now) > max(every, 2*lastPause) { // the clock was stepped back
			f.due = now
			f.server.succeed()
		}
		if at := f.nextTurn(now); at.After(now) {
			wait = min(wait, at.Sub(now))
		} else if best == nil || f.before(best) {
			best = f
		}
	}
	return best, wait
}

// nextTurn is when there is something to do for f: at once while storage was
// not looked at, soon when it has news, and else when f may be read.
func (f *feed) nextTurn(now time.Time) time.Time {
	switch at := f.nextTry(); {
	case !f.recalled:
		return now
	case f.noticed && f.looked.Add(lookEvery).Before(at):
		return f.looked.Add(lookEvery)
	default:
		return at
	}
}

func (f *feed) before(other *feed) bool {
	if (f.held == nil) != (other.held == nil) {
		return f.held == nil
	}
	return f.due.Before(other.due)
}

// gap is the pace, or less where the feeds would not fit into their cycle.
func (w *Watcher) gap() time.Duration {
	cfg := w.settings.Load().cfg
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(cfg.Pace, cfg.RefreshEvery/time.Duration(2*max(len(w.feeds), 1)))
}

// longestSleep makes wall-clock steps and suspends count: a sleep of 12 h would
// be 12 h of the machine being awake.
const longestSleep = time.Minute

// sleep waits for d, longestSleep, ctx or a wake-up.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(min(max(d, 0), longestSleep))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
}

// rest waits for d or ctx.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(max(d, 0)):
	}
}

// nudge wakes a sleeper without waiting for it.
func nudge(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
