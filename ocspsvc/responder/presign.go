package responder

import (
	"context"
	"time"
)

const (
	// listPage is how many records are listed at once.
	listPage = 1000

	// presignRest is how long is rested after a signature, at least, and as a
	// multiple of what it took: presigning leaves most of a processor to those
	// who ask.
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

func (s *Signer) presignAll(ctx context.Context, records Lister, a *authority) {
	begun, signed := time.Now(), 0
	var last Entry
	for {
		listed := time.Now()
		page, err := records.List(ctx, a.id, last.Serial, listPage)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Warn("listing the responder's records for presigning", "issuer", a.Issuer.Subject.String(), "err", err)
			return
		}
		if len(page) == 0 {
			break
		}
		for _, last = range page {
			n, ok := s.presignOne(ctx, a, last, listed)
			if signed += n; !ok {
				return
			}
		}
	}
	s.log.Debug("presigned OCSP answers", "issuer", a.Issuer.Subject.String(), "signed", signed, "took", time.Since(begun))
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
		if !sleep(ctx, max(presignRest, presignShare*time.Since(begun))) {
			return signed, false
		}
	}
	return signed, ctx.Err() == nil
}
