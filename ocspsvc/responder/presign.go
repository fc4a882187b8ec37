package responder

import (
	"context"
	"math/big"
	"time"
)

const (
	// listPage is how many records are listed at once.
	listPage = 1000

	// presignRest is how long is rested after a signature or a page, at least,
	// and presignShare as a multiple of what it took.
	presignRest  = 2 * time.Millisecond
	presignShare = 3

	// presignPasses is how many times the records are gone through in a validity.
	presignPasses = 8
)

// presign signs answers for all known certificates before anybody asks, and
// their successors at half of their life, one at a time. It fills the cache, but
// pushes nothing out of it. Answers are in the form that nearly all clients ask
// for, and in those others that somebody has asked for.
func (s *Signer) presign(ctx context.Context, records Lister) {
	for {
		for _, a := range s.authorities {
			s.presignAll(ctx, records, a)
		}
		if !sleep(ctx, max(s.cfg.Validity/presignPasses, time.Second)) {
			return
		}
	}
}

// presignAll goes through the records of one CA, page by page.
func (s *Signer) presignAll(ctx context.Context, records Lister, a *authority) {
	begun, signed := time.Now(), 0
	log := s.log.With("issuer", a.Issuer.Subject.String())
	for after := (*big.Int)(nil); ; {
		listed := time.Now()
		page, err := records.List(ctx, a.id, after, listPage)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Warn("listing the responder's records for presigning", "err", err)
			return
		}
		if len(page) == 0 {
			break
		}
		last := page[len(page)-1].Serial
		if last == nil || after != nil && last.Cmp(after) == 0 {
			log.Error("the responder's records cannot be listed: their list does not go on", "after", after)
			return
		}
		after = last
		if !rest(ctx, listed) {
			return
		}
		for _, e := range page {
			n, ok := s.presignOne(ctx, a, e, listed)
			if signed += n; !ok {
				return
			}
		}
	}
	log.Debug("presigned OCSP answers", "signed", signed, "took", time.Since(begun))
}

// rest leaves most of a processor, and of the database, to those who ask.
func rest(ctx context.Context, begun time.Time) bool {
	return sleep(ctx, max(presignRest, presignShare*time.Since(begun)))
}

// presignOne returns how many answers it signed, and false when it has to end.
func (s *Signer) presignOne(ctx context.Context, a *authority, e Entry, listed time.Time) (signed int, ok bool) {
	expired := !e.Record.Expires.IsZero() && time.Now().After(e.Record.Expires)
	if e.Serial == nil || e.Record.check() != nil || expired {
		return 0, ctx.Err() == nil
	}
	key := a.keyOf(e.Serial)
	for _, form := range s.cache.wants(key, e.Record, listed, usual, time.Now()) {
		id, err := a.certID(form, e.Serial)
		if err != nil {
			return signed, true // a serial that cannot be written cannot be asked for
		}
		s.cache.learn(key, e.Record, listed)
		begun := time.Now()
		if _, err := s.renew(subject{authority: a, id: id, form: form, serial: e.Serial, key: key}, e.Record); err == nil {
			signed++
		}
		if !rest(ctx, begun) {
			return signed, false
		}
	}
	return signed, ctx.Err() == nil
}
