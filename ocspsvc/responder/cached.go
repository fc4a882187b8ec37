package responder

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

// cached answers from the cache, if its record is still what the database says.
//
// A record is trusted for a second, then read again. If it cannot be read, the
// answer is good until its nextUpdate: it was true when it was signed, and that
// is all that OCSP promises. Past half of its life an answer gets a successor,
// made by whoever comes first while the others get the old one; if there is no
// time for that now, he gets the old one too.
func (s *Signer) cached(ctx context.Context, who subject) (*Answer, error) {
	now := time.Now()
	hit, trusted := s.cache.find(who.key, who.form, now)
	if hit != nil && trusted && !hit.due(now) {
		s.counts.hits.Inc()
		return hit.Answer, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	record, err := s.record(ctx, who)
	switch {
	case hit != nil && saysNothing(err):
		s.counts.hits.Inc()
		return hit.Answer, nil
	case err != nil:
		return s.without(ctx, who, err)
	case hit != nil && hit.record.Equal(record):
		return s.successor(who, hit).Answer, nil
	}
	return s.signOnce(ctx, who, finding{id: who.id, record: record})
}

// record is what the database says about a certificate, or said within trust.
func (s *Signer) record(ctx context.Context, who subject) (Record, error) {
	if record, ok := s.cache.record(who.key, time.Now()); ok {
		return record, nil
	}
	return s.reader.read(ctx, who)
}

// without answers where there is no record to answer from.
func (s *Signer) without(ctx context.Context, who subject, err error) (*Answer, error) {
	switch {
	case ctx.Err() != nil: // he has left, or waited for too long
		return nil, err
	case errors.Is(err, ErrBadRecord):
		return nil, &refusal{ocspsvc.InternalError, err}
	case !errors.Is(err, ErrNoRecord):
		s.counts.shed.WithLabelValues("database").Inc()
		return nil, &refusal{ocspsvc.TryLater, err}
	case s.cfg.Unissued == UnissuedUnauthorized:
		return nil, &refusal{ocspsvc.Unauthorized, err}
	}
	return s.signOnce(ctx, who, finding{id: who.id, unissued: true})
}

// successor is hit, or the answer that takes its place when it is due.
func (s *Signer) successor(who subject, hit *kept) *kept {
	if !hit.due(time.Now()) || !hit.signing.CompareAndSwap(false, true) {
		s.counts.hits.Inc()
		return hit
	}
	defer hit.signing.Store(false)
	next, err := s.renew(who, hit.record)
	if err != nil {
		s.counts.hits.Inc()
		return hit
	}
	return next
}

// renew signs only if a processor is idle, and keeps what it signed.
func (s *Signer) renew(who subject, record Record) (next *kept, err error) {
	err = s.queue.idle(func() error {
		a, err := s.signNow(who.authority, []finding{{id: who.id, record: record}}, nil)
		if err == nil {
			next = s.keep(who, record, a)
		}
		return err
	})
	return next, err
}

// signOnce signs an answer that is not in the cache: once, however many wait for
// it. Who has read another record does not wait for this one. Only what is in
// the records is kept, so that nobody fills the cache with serials he made up.
func (s *Signer) signOnce(ctx context.Context, who subject, f finding) (*Answer, error) {
	detached := context.WithoutCancel(ctx)
	flight := s.signings.DoChan(signingKey(who, f), func() (any, error) {
		if hit, _ := s.cache.find(who.key, who.form, time.Now()); hit != nil && !f.unissued && hit.record.Equal(f.record) {
			return hit.Answer, nil // landed since
		}
		ctx, cancel := context.WithTimeout(detached, maxWait)
		defer cancel()
		a, err := s.sign(ctx, who.authority, []finding{f}, nil)
		if err == nil && !f.unissued {
			s.keep(who, f.record, a)
		}
		return a, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case landed := <-flight:
		if landed.Err != nil {
			return nil, landed.Err
		}
		return landed.Val.(*Answer), nil
	}
}

func signingKey(who subject, f finding) string {
	key := append([]byte(who.key), byte(who.form), byte(f.record.Status), byte(f.record.Reason))
	key = binary.BigEndian.AppendUint64(key, uint64(f.record.RevokedAt.Unix()))
	return string(binary.BigEndian.AppendUint64(key, uint64(f.record.Expires.Unix())))
}

func (s *Signer) keep(who subject, record Record, a *Answer) *kept {
	k := &kept{Answer: a, record: record, refresh: a.thisUpdate.Add(a.nextUpdate.Sub(a.thisUpdate) / 2)}
	s.cache.keep(who.key, who.form, k)
	return k
}
