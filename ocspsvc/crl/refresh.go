package crl

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

// work is f's turn: it looks into storage if nobody has, reads the list if it
// may be asked for, and files the outcome. It reports whether somebody was
// asked. A reading whose caller gives up changes nothing.
func (w *Watcher) work(ctx context.Context, f *feed) (asked bool) {
	if busy := w.claim(f); busy != nil {
		return false // by hand; release wakes Run
	}
	defer w.release(f)
	w.recall(ctx, f)
	if w.look(ctx, f); !w.isDue(f) {
		return false
	}
	giveBack, ours := w.lease(ctx, f)
	if !ours {
		return false
	}
	defer giveBack()
	if w.look(ctx, f); !w.isDue(f) { // that node has finished in between
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
	return !f.nextTry().After(time.Now().Round(0))
}

// refresh reads f's list once and takes it over.
func (w *Watcher) refresh(ctx context.Context, f *feed) error {
	set := w.settings.Load()
	bounded, cancel := context.WithTimeout(ctx, set.cfg.Timeout)
	defer cancel()
	now := time.Now().Round(0)
	known := w.askedFor(f)
	var ask validators
	if !known.ended(now) && !known.unstored { // one that has ended is asked for whole, past caches that keep it
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

// askedFor is what is held of f when it is asked for here.
func (w *Watcher) askedFor(f *feed) *held {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.elsewhere = time.Time{}
	return f.held
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
// reported, and the list is used all the same; it is read again, and stored,
// within the hour.
func (w *Watcher) accept(ctx context.Context, f *feed, fresh, known *held, body []byte) error {
	if err := w.refuses(f, fresh); err != nil {
		return err
	}
	result := "good"
	if known != nil && fresh.sum == known.sum {
		result = "unchanged"
	}
	if result == "good" || known.unstored {
		fresh.unstored = !w.persist(ctx, f, fresh, known, body)
	}
	w.adopt(f, fresh, result)
	return nil
}

// refuses is why a list does not count here, though its issuer signed it.
func (w *Watcher) refuses(f *feed, fresh *held) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !f.covers(fresh.list) {
		return ocspsvc.Refuse(ocspsvc.ReasonWrongCertificate, "the list is for other distribution points than the certificate names")
	}
	if f.held == nil || f.held.list == fresh.list {
		return nil
	}
	return fresh.list.replaces(f.held.list, fresh.refreshed)
}

// persist stores a list, and reports whether it did. Shutting down does not
// interrupt it.
//
// By the list that is stored already, a certificate may not be revoked that is
// by this one: a restart must not find it. So it goes if it cannot be replaced,
// and what is not known then is read before it counts. That makes room, too, on
// a disk that is full: there is a second try.
func (w *Watcher) persist(ctx context.Context, f *feed, h, known *held, body []byte) bool {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.settings.Load().cfg.Timeout)
	defer cancel()
	r := record{header{f.url, h.refreshed.UTC(), h.ETag, h.Modified}, body}
	err := w.store.put(bounded, f.key, r)
	if err != nil && w.hasNews(f, h.list, known) {
		if gone := w.store.discard(bounded, f.key); gone != nil {
			err = errors.Join(err, gone)
		} else {
			err = w.store.put(bounded, f.key, r)
		}
	}
	if err != nil {
		w.counts.storeErrors.Inc()
		w.log.Warn("CRL could not be stored, using it all the same",
			"url", f.url, "reason", ocspsvc.ReasonStoreError, "err", err)
	}
	return err == nil
}

func (w *Watcher) hasNews(f *feed, list *List, known *held) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f.news(list, known)
}
