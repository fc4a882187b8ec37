package responder

import (
	"context"
	"fmt"
	"log/slog"
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
			p := pass{s: s, a: a, records: records, log: s.log.With("issuer", a.Issuer.Subject.String())}
			p.run(ctx)
		}
		if !sleep(ctx, max(s.cfg.Validity/presignPasses, time.Second)) {
			return
		}
	}
}

// pass is one time through the records of one CA.
type pass struct {
	s       *Signer
	a       *authority
	records Lister
	log     *slog.Logger

	signed, left int // answers made; certificates for which there was no room
}

func (p *pass) run(ctx context.Context) {
	begun := time.Now()
	err := p.pages(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		p.log.Warn("listing the responder's records for presigning", "err", err)
	case p.left > 0:
		p.log.Warn("the responder's cache has no room to presign all; raise cache_entries or cache_bytes", "left", p.left)
	}
	p.log.Debug("presigned OCSP answers", "signed", p.signed, "took", time.Since(begun))
}

// pages goes through the records until there are no more, or ctx ends.
func (p *pass) pages(ctx context.Context) error {
	for after := (*big.Int)(nil); ; {
		listed := time.Now()
		page, err := p.records.List(ctx, p.a.id, after, listPage)
		if err != nil || len(page) == 0 {
			return err
		}
		last := page[len(page)-1].Serial
		if last == nil || after != nil && last.Cmp(after) == 0 {
			return fmt.Errorf("the list does not go on after serial %x", after)
		}
		after = last
		rest(ctx, listed)
		for _, e := range page {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.certificate(ctx, e, listed)
		}
	}
}

// rest leaves most of a processor, and of the database, to those who ask.
func rest(ctx context.Context, begun time.Time) {
	sleep(ctx, max(presignRest, presignShare*time.Since(begun)))
}

// certificate signs what is due for one certificate.
func (p *pass) certificate(ctx context.Context, e Entry, listed time.Time) {
	expired := !e.Record.Expires.IsZero() && time.Now().After(e.Record.Expires)
	if e.Serial == nil || e.Record.check() != nil || expired {
		return
	}
	who := subject{authority: p.a, serial: e.Serial, key: p.a.keyOf(e.Serial)}
	due, room := p.s.cache.wants(who.key, e.Record, listed, usual, time.Now())
	if !room {
		p.left++
	}
	for _, who.form = range due {
		var err error
		if who.id, err = p.a.certID(who.form, e.Serial); err != nil {
			return // a serial that cannot be written cannot be asked for
		}
		p.s.cache.learn(who.key, e.Record, listed)
		begun := time.Now()
		if _, err := p.s.renew(who, e.Record); err == nil {
			p.signed++
		}
		rest(ctx, begun)
	}
}
