package crl

import (
	"context"
	"crypto/sha256"
	"time"

	"dwaar/ocspsvc"
)

// work is f's turn: it looks into storage if nobody has, reads the list, and
// files the outcome. It reports whether somebody was asked. A reading whose
// caller gives up changes nothing.
func (w *Watcher) work(ctx context.Context, f *feed) (asked bool) {
	if w.recall(ctx, f) && !w.isDue(f) {
		return false
	}
	err := w.refresh(ctx, f)
	if err != nil && ctx.Err() == nil {
		w.fail(f, err)
	}
	return true
}

func (w *Watcher) isDue(f *feed) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !f.due.After(time.Now().Round(0))
}

// refresh reads f's list once and takes it over.
func (w *Watcher) refresh(ctx context.Context, f *feed) error {
	set := w.settings.Load()
	bounded, cancel := context.WithTimeout(ctx, set.cfg.Timeout)
	defer cancel()
	now := time.Now().Round(0)
	known := w.heldBy(f)
	var ask validators
	if !known.ended(now) { // a list that has ended is asked for whole, past caches that keep it
		ask = known.validators
	}
	got, err := fetcher{set.guard, w.roots, set.cfg.MaxSize}.fetch(bounded, f.url, ask)
	if err != nil {
		return err
	}
	fresh, err := judge(f, got, known, time.Now().Round(0))
	if err != nil {
		return err
	}
	return w.accept(ctx, f, fresh, known, got.body)
}

func (w *Watcher) heldBy(f *feed) *held {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f.held
}

// judge makes the held form of an answer. A list that has not changed is not
// read again, however many megabytes it has; whether it is in time counts anew.
func judge(f *feed, got answer, known *held, now time.Time) (*held, error) {
	fresh := &held{refreshed: now, validators: got.validators}
	if got.unchanged {
		fresh.sum, fresh.list = known.sum, known.list
	} else {
		fresh.sum = sha256.Sum256(got.body)
	}
	if known != nil && fresh.sum == known.sum {
		fresh.list = known.list
	} else {
		list, err := Read(got.body, f.issuer)
		if err != nil {
			return nil, err
		}
		fresh.list = list
	}
	return fresh, fresh.list.Current(now)
}

// accept takes over a list: durable first, then here. A disk that fails is
// reported, and the list is used all the same.
func (w *Watcher) accept(ctx context.Context, f *feed, fresh, known *held, body []byte) error {
	if err := w.refuses(f, fresh); err != nil {
		return err
	}
	if known == nil || fresh.sum != known.sum {
		w.persist(ctx, f, fresh, body)
	}
	w.adopt(f, fresh)
	return nil
}

// refuses is why a list does not count here, though its issuer signed it.
func (w *Watcher) refuses(f *feed, fresh *held) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !f.covers(fresh.list) {
		return refuse(ocspsvc.ReasonWrongCertificate, "the list is for other distribution points than the certificate names")
	}
	if f.held == nil || f.held.list == fresh.list {
		return nil
	}
	return fresh.list.replaces(f.held.list, fresh.refreshed)
}

// persist stores a list. Shutting down does not interrupt it.
func (w *Watcher) persist(ctx context.Context, f *feed, h *held, body []byte) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.settings.Load().cfg.Timeout)
	defer cancel()
	r := record{header{f.url, h.refreshed.UTC(), h.ETag, h.Modified}, body}
	if err := w.store.put(bounded, f.key, r); err != nil {
		w.counts.storeErrors.Inc()
		w.log.Warn("CRL could not be stored, using it all the same",
			"url", f.url, "reason", ocspsvc.ReasonStoreError, "err", err)
	}
}

// adopt makes h what counts, plans the next reading, and judges every
// certificate that it is about.
func (w *Watcher) adopt(f *feed, h *held) {
	w.mu.Lock()
	now := time.Now().Round(0)
	w.noteSuccess(f, h)
	f.held, f.trouble, f.failing, f.lastTry, f.lapsed = h, nil, time.Time{}, now, false
	f.server.succeed()
	f.due = now.Add(sooner(interval(h.list, now, w.settings.Load().cfg.RefreshEvery)))
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
	f.due = now.Add(later(max(backoff(now.Sub(f.failing)), retryAfterOf(err))))
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
