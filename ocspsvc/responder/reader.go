package responder

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/sync/singleflight"

	"dwaar/ocspsvc"
)

// readTimeout bounds one reading of one record. Clients wait as long.
const readTimeout = 2 * time.Second

// reader reads records: each once, however many ask at the same time.
type reader struct {
	records Records
	cache   *cache
	db      *database
	counts  *counts
	flights singleflight.Group
}

// read returns the record of a certificate. The reading goes on if its asker
// goes, for the others. ErrNoRecord and ErrBadRecord are what the database
// says; other errors mean that it says nothing.
func (r *reader) read(ctx context.Context, who subject) (Record, error) {
	if err := r.db.admit(time.Now()); err != nil {
		return Record{}, err
	}
	detached := context.WithoutCancel(ctx)
	flight := r.flights.DoChan(who.key, func() (any, error) { return r.fetch(detached, who) })
	select {
	case <-ctx.Done():
		return Record{}, ctx.Err()
	case landed := <-flight:
		record, _ := landed.Val.(Record)
		return record, landed.Err
	}
}

func (r *reader) fetch(ctx context.Context, who subject) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	begun := time.Now()
	record, err := r.records.Record(ctx, who.authority.id, who.serial)
	if err == nil {
		err = record.check()
	}
	r.learn(who, record, err, begun)
	if err != nil {
		return Record{}, fmt.Errorf("record of serial %x: %w", who.serial, err)
	}
	return record, nil
}

func (r *reader) learn(who subject, record Record, err error, begun time.Time) {
	health := err
	switch {
	case err == nil:
		r.counts.reads.WithLabelValues("found").Inc()
		r.cache.learn(who.key, record, begun)
	case errors.Is(err, ErrNoRecord):
		r.counts.reads.WithLabelValues("none").Inc()
		r.cache.drop(who.key)
		health = nil
	case errors.Is(err, ErrBadRecord):
		r.counts.reads.WithLabelValues("bad").Inc()
		r.cache.drop(who.key)
		health = nil
	default:
		r.counts.reads.WithLabelValues("failed").Inc()
	}
	r.db.note(health, time.Now())
}

// saysNothing reports whether err of read leaves open what the database knows.
func saysNothing(err error) bool {
	return err != nil && !errors.Is(err, ErrNoRecord) && !errors.Is(err, ErrBadRecord)
}

// check refuses records that contradict themselves: nothing that is not plainly
// valid is ever good.
func (r Record) check() error {
	revoked := r.Status == ocspsvc.Revoked
	switch {
	case !revoked && r.Status != ocspsvc.Good:
		return fmt.Errorf("%w: its status is %q", ErrBadRecord, r.Status)
	case !revoked && (!r.RevokedAt.IsZero() || r.Reason != ocspsvc.Unspecified):
		return fmt.Errorf("%w: it is valid, and revoked at %v for %s", ErrBadRecord, r.RevokedAt, r.Reason)
	case revoked && (r.RevokedAt.IsZero() || r.RevokedAt.Year() > 9999):
		return fmt.Errorf("%w: it does not say when it was revoked", ErrBadRecord)
	case r.Reason == ocspsvc.RemoveFromCRL || r.Reason < 0 || r.Reason > ocspsvc.AACompromise || r.Reason == 7:
		return fmt.Errorf("%w: %s is no reason to revoke", ErrBadRecord, r.Reason)
	}
	return nil
}

// subject is a certificate that somebody asks about.
type subject struct {
	authority *authority
	id        *ocspsvc.CertID
	form      int // of its CertID; see authority.formOf
	serial    *big.Int
	key       string // of the certificate in the cache
}
