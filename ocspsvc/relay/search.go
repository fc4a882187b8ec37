package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"dwaar/ocspsvc"
)

// search finds out what to say about a subject: by what storage has, where
// another relay may have put it, or by asking, at the pace of those who are patient.
// It leaves it in the cache. What it returns besides is to be called when nobody waits for the answer any more.
func (r *Relay) search(ctx context.Context, s subject, patient bool) (said *ocspsvc.Response, after func()) {
	held, loaded := r.recall(ctx, s)
	now := time.Now()
	switch {
	case loaded && now.Before(held.due()):
		return held.response, free
	case held == nil && r.turnsAway(s, now): // it boarded before that was known
		return turnedAway, free
	case s.authority.upstream.rests(now):
		return r.rest(s, held, now), free
	}
	if patient {
		sleep(ctx, s.authority.pace.wait(now), nil)
	}
	held, fresh, end := r.turn(ctx, s, held)
	if fresh {
		return held.response, end
	}
	return r.inquire(ctx, s, held, end)
}

// inquire asks the responder, in this relay's turn.
func (r *Relay) inquire(ctx context.Context, s subject, held *answer, end func()) (said *ocspsvc.Response, after func()) {
	now := time.Now()
	if err := s.authority.upstream.admit(now); err != nil {
		return r.rest(s, held, now), end
	}
	strange := r.strange(s)
	fresh, err := r.ask(ctx, s, held)
	now = time.Now()
	if ctx.Err() != nil { // Run ends
		s.authority.upstream.release()
		return fallback(held, tryLater, now), end
	}
	r.hear(s, err, now)
	if strange && unknown(fresh, err) {
		s.authority.strangers.spend(now)
	}
	if err != nil {
		said := refusalOf(err)
		r.miscarried(s, said, err, now)
		return fallback(held, said, now), end
	}
	return r.take(s, fresh, held, now, end)
}

// rest is what is said while the responder is left alone.
func (r *Relay) rest(s subject, held *answer, now time.Time) *ocspsvc.Response {
	r.cache.postpone(s.key, s.authority.upstream.resting())
	return fallback(held, tryLater, now)
}

// recall is the answer that memory or storage has, valid or not, or nil; and
// whether it was loaded, because storage has a later one.
func (r *Relay) recall(ctx context.Context, s subject) (held *answer, loaded bool) {
	held, stored := r.cache.held(s.key), r.stored(ctx, s)
	if stored == nil || held != nil && (!held.yields(stored) || !stored.refreshed.After(held.refreshed)) {
		return held, false
	}
	r.counts.loaded.Inc()
	r.cache.keep(s, stored, time.Now())
	return stored, true
}

// fallback is the answer that there still is, or else what is said without one.
func fallback(held *answer, said *ocspsvc.Response, now time.Time) *ocspsvc.Response {
	if held.valid(now) {
		return held.response
	}
	return said
}

// ask asks the responder, and believes only what can be verified and is not older
// than what is held.
func (r *Relay) ask(ctx context.Context, s subject, held *answer) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	req := &ocspsvc.Request{CertIDs: []ocspsvc.CertID{s.id}}
	response, err := r.asker.Ask(ctx, req, s.authority.issuer, s.authority.responders(s.leaf)...)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	fresh, err := judge(s, response, now, now)
	switch {
	case err != nil:
		return nil, err
	case fresh.lasting && !held.yields(fresh):
		return nil, ocspsvc.Refuse(ocspsvc.ReasonTooOld, "the answer of %s says %s, and a newer one %s",
			fresh.thisUpdate.UTC().Format(time.RFC3339), fresh.status, held.status)
	case fresh.lasting || !held.valid(now):
		return fresh, nil
	case fresh.status == ocspsvc.Unknown:
		return nil, ocspsvc.Refuse(ocspsvc.ReasonUnknown, "the responder does not know the certificate any more")
	}
	return nil, ocspsvc.Refuse(ocspsvc.ReasonNoNextUpdate, "the answer has no nextUpdate any more")
}

// judge verifies a response, by the leaf if that is at hand.
func judge(s subject, response *ocspsvc.Response, refreshed, now time.Time) (*answer, error) {
	o := ocspsvc.VerifyOptions{Hash: s.id.Hash, AllowNoNextUpdate: true}
	verdict, err := ocspsvc.VerifyID(response, s.id, s.authority.issuer, now, o)
	if err == nil && s.leaf != nil {
		verdict, err = ocspsvc.Verify(response, s.leaf, s.authority.issuer, now, o)
	}
	if err != nil {
		return nil, err
	}
	return newAnswer(response, verdict, refreshed, now), nil
}

// take keeps what a responder said: for as long as it lasts, or for a moment.
func (r *Relay) take(s subject, fresh, held *answer, now time.Time, end func()) (said *ocspsvc.Response, after func()) {
	r.counts.upstream(fresh.status.String())
	if !fresh.lasting {
		r.cache.hold(s.key, fresh, now)
		return fresh.response, end
	}
	if fresh.status == ocspsvc.Revoked && (held == nil || held.status != ocspsvc.Revoked) && s.leaf != nil {
		r.log.Warn("a certificate is revoked", s.attrs()...)
	}
	r.cache.keep(s, fresh, now)
	r.shelf.put(&writing{subject: s, answer: fresh, done: end}) // the others wait for it to be there
	return fresh.response, free
}

// hear notes how it stands with a responder, and says so when that changes.
func (r *Relay) hear(s subject, err error, now time.Time) {
	down, up := s.authority.upstream.note(err, now)
	attrs := []any{"issuer", s.authority.issuer.Subject.String()}
	switch {
	case down:
		r.log.Warn("an OCSP responder is down; answers are relayed as long as they last",
			append(attrs, "reason", ocspsvc.ReasonOf(err), "err", err)...)
	case up:
		r.log.Info("an OCSP responder is back", attrs...)
	}
}

// miscarried notes that there is no answer. The log is told once, and of silent
// responders by hear.
func (r *Relay) miscarried(s subject, said *ocspsvc.Response, err error, now time.Time) {
	reason := ocspsvc.ReasonOf(err)
	r.counts.upstream(string(reason))
	first := r.cache.fail(s.key, said, now)
	level := slog.LevelDebug
	if first && !silent(err) {
		level = slog.LevelWarn
	}
	r.log.Log(context.Background(), level, "no OCSP answer to relay", append(s.attrs(), "reason", reason, "err", err)...)
}

func (s subject) attrs() []any {
	return []any{"serial", fmt.Sprintf("%x", s.id.Serial), "issuer", s.authority.issuer.Subject.String()}
}

// refusalOf is what is said because of err: a responder's unauthorized is worth
// passing on, as is that there is none. The rest may be better later.
func refusalOf(err error) *ocspsvc.Response {
	var refused interface{ ResponseStatus() ocspsvc.ResponseStatus }
	if errors.As(err, &refused) && refused.ResponseStatus() == ocspsvc.Unauthorized || ocspsvc.ReasonOf(err) == ocspsvc.ReasonNoResponder {
		return unauthorized
	}
	return tryLater
}
