package relay

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"dwaar/ocspsvc"
)

// write writes what waits.
func (s *shelf) write(ctx context.Context) {
	for ctx.Err() == nil {
		w := s.next()
		if w == nil {
			return
		}
		s.store(ctx, w)
		w.done()
	}
}

// store writes an answer, unless storage has a later one: this relay may have been
// held up for so long that another one has asked since, and heard of a revocation.
func (s *shelf) store(ctx context.Context, w *writing) {
	if s.outdated(ctx, w) {
		return
	}
	r := record{key: w.key, id: w.id.Raw, answer: w.answer}
	err := s.storage.Store(ctx, w.key.name(), r.marshal())
	if err != nil {
		s.lost(ctx, w.key)
	}
	if err != nil && !s.failing {
		s.log.Warn("an OCSP answer could not be stored; it is relayed all the same", "reason", ocspsvc.ReasonStoreError, "err", err)
	}
	s.failing = err != nil
}

func (s *shelf) outdated(ctx context.Context, w *writing) bool {
	kept, err := s.read(ctx, w.key)
	if err != nil || bytes.Equal(kept.answer.response.Raw, w.answer.response.Raw) {
		return false
	}
	stored, err := verifyStored(w.subject, kept)
	return err == nil && !stored.yields(w.answer)
}

// lost is about an answer that could not be stored. What storage has instead may
// be older than a revocation, and must not be found by a restart.
func (s *shelf) lost(ctx context.Context, k key) {
	s.counts.storeErrors.Inc()
	if err := s.storage.Delete(ctx, k.name()); err == nil || errors.Is(err, fs.ErrNotExist) {
		s.forget(k)
	}
}
