package responder

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"dwaar/ocspsvc"
)

// maxWait bounds how long a request waits for its record and its signature.
// Clients give up soon after, or before.
const maxWait = 5 * time.Second

// maxAuthorities is how many CAs one signer answers for.
const maxAuthorities = 255

// Signer is a Source that signs what records say, and keeps what it signed. A
// serial that is not in the records is never good. Run makes it notice changes
// at once and sign in advance; it answers without that too.
type Signer struct {
	cfg         Config
	authorities []*authority
	requesters  *x509.CertPool
	log         *slog.Logger
	counts      *counts

	records  Records
	db       *database
	cache    *cache
	reader   *reader
	queue    *queue
	signings singleflight.Group
	unissued *rate.Limiter
	errorLog *rate.Limiter
}

// NewSigner checks that clients will believe what is going to be signed, for
// each authority. The files that cfg names are not opened: they are in keys. A
// nil log logs nothing.
func NewSigner(cfg Config, keys Keys, records Records, log *slog.Logger) (*Signer, error) {
	if records == nil || len(keys.Authorities) == 0 || len(keys.Authorities) > maxAuthorities {
		return nil, fmt.Errorf("an OCSP signer needs records, and 1 to %d authorities, not %d", maxAuthorities, len(keys.Authorities))
	}
	if err := cfg.checkSettings(); err != nil {
		return nil, err
	}
	if _, lists := records.(Lister); cfg.Presign && !lists {
		return nil, errors.New("presign: these records cannot be listed")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := newSigner(cfg.withDefaults(), keys, records, log)
	for i, from := range keys.Authorities {
		a, err := newAuthority(from, byte(i), cfg.RSAPSS)
		if err != nil {
			return nil, err
		}
		if s.answersFor(a.id) {
			return nil, fmt.Errorf("issuer %s is named twice", a.Issuer.Subject)
		}
		s.warnOfNoCheck(a)
		s.authorities = append(s.authorities, a)
	}
	return s, nil
}

func newSigner(cfg Config, keys Keys, records Records, log *slog.Logger) *Signer {
	s := &Signer{
		cfg: cfg, requesters: keys.Requesters, records: records, log: log, counts: newCounts(),
		db: newDatabase(log), cache: newCache(cfg.Limits.CacheEntries, cfg.Limits.CacheBytes), queue: newQueue(cfg.Limits.Queue),
		unissued: rate.NewLimiter(rate.Limit(cfg.Limits.UnissuedRate), cfg.Limits.UnissuedRate),
		errorLog: rate.NewLimiter(1, 10),
	}
	s.reader = &reader{records: records, cache: s.cache, db: s.db, counts: s.counts}
	return s
}

// answersFor reports whether an issuer is among the authorities.
func (s *Signer) answersFor(id IssuerID) bool {
	return slices.ContainsFunc(s.authorities, func(a *authority) bool { return a.id == id })
}

// Respond answers every CertID of the request once, in its order, echoed byte
// for byte, and echoes the nonce. If one of them is of another issuer, it
// returns ocspsvc.ErrNotOurs.
func (s *Signer) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	a, err := s.decide(ctx, req)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		a = errorAnswer(refused.status)
	case err != nil:
		return nil, err
	}
	s.counts.answer(a.word)
	return ocspsvc.ParseResponse(a.der)
}

// Prepared implements Preparer: it is Respond for a Handler, which needs no more than
// the octets, and answers everything.
func (s *Signer) Prepared(ctx context.Context, der []byte) *Answer {
	a := s.glance(der, time.Now())
	if a != nil {
		s.counts.answer(a.word)
		return a
	}
	req, err := ocspsvc.ParseRequest(der)
	if err != nil {
		err = &refusal{ocspsvc.MalformedRequest, err}
	} else {
		a, err = s.decide(ctx, req)
	}
	if err != nil {
		a = errorAnswer(statusOf(err))
		s.logRefusal(req, err)
	}
	s.counts.answer(a.word)
	return a
}

// logRefusal logs what a person has to look at, as often as a person can; what
// clients do wrong, and what the counters and the log of the database say
// anyway, is for debugging.
func (s *Signer) logRefusal(req *ocspsvc.Request, err error) {
	status := statusOf(err)
	if status == ocspsvc.TryLater || status == ocspsvc.InternalError && !s.errorLog.Allow() {
		s.log.Debug("OCSP request refused", "err", err)
		return
	}
	logRefusal(s.log, req, err)
}

// decide answers a request that could be read.
func (s *Signer) decide(ctx context.Context, req *ocspsvc.Request) (*Answer, error) {
	a, form, err := s.admit(ctx, req)
	if err != nil {
		return nil, err
	}
	nonce, err := s.nonceOf(req)
	if err != nil {
		return nil, err
	}
	first := a.subject(&req.CertIDs[0], form)
	if len(req.CertIDs) > 1 || form == oddForm {
		return s.fresh(ctx, a, req.CertIDs, nonce)
	}
	if len(nonce) == 0 {
		return s.cached(ctx, first)
	}
	fresh, err := s.fresh(ctx, a, req.CertIDs, nonce)
	if err != nil && statusOf(err) == ocspsvc.TryLater && s.cfg.Nonce != NonceRequired {
		// The most complete answer without an option that cannot be had now is
		// better than none (RFC 9919 §3.2.1).
		if hit, _ := s.cache.find(first.key, form, time.Now()); hit != nil {
			s.counts.hits.Inc()
			return hit.Answer, nil
		}
	}
	return fresh, err
}
