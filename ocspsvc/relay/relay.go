package relay

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// Asker asks responders: client.Client does. It dials nothing but what its guard
// lets pass.
type Asker interface {
	// Ask returns a response to req, which is about certificates of issuer, from
	// one of the URLs. Its errors are *ocspsvc.Error; one with a method
	// RetryAfter() time.Duration in its chain says for how long a responder
	// wants to be left alone, one with ResponseStatus() ocspsvc.ResponseStatus
	// what it answered instead.
	Ask(ctx context.Context, req *ocspsvc.Request, issuer *x509.Certificate, urls ...string) (*ocspsvc.Response, error)
}

// Relay is a caching ocspsvc.Source in front of the responders of CAs. It is
// safe for concurrent use.
//
// No lock is held over I/O, and none while another is taken, but for the board's
// before others.
type Relay struct {
	cfg    Config
	asker  Asker
	log    *slog.Logger
	counts *counts
	cache  *cache
	shelf  *shelf
	leases *lessor // nil: there are none
	news   news
	files  *files
	roster atomic.Pointer[roster]

	waiting atomic.Int64  // askers
	passing chan struct{} // held by requests that are passed on

	mu      sync.Mutex      // guards the board: the rest
	flights map[key]*flight // that have not landed
	ended   bool            // Run has
}

// New checks cfg, reads the certificates of issuers and those to prefetch, and
// makes a relay, which asks nobody until Run. Answers are kept in storage, or only in
// memory if that is nil.
func New(cfg Config, asker Asker, storage Storage, log *slog.Logger, options ...Option) (*Relay, error) {
	if asker == nil || log == nil {
		return nil, errors.New("ocsp relay: asker and log are needed")
	}
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("ocsp relay: %w", err)
	}
	cfg = cfg.withDefaults()
	authorities, err := loadAuthorities(cfg)
	if err != nil {
		return nil, fmt.Errorf("ocsp relay: %w", err)
	}
	counts := newCounts()
	r := &Relay{
		cfg: cfg, asker: asker, log: log, counts: counts, cache: newCache(cfg.Limits.Entries, cfg.Limits.Bytes),
		shelf: newShelf(storage, cfg.Limits.Stored, counts, log), files: newFiles(cfg.Certificates, log),
		passing: make(chan struct{}, cfg.Limits.Passing), news: newNews(), flights: map[key]*flight{},
	}
	for _, option := range options {
		option(r)
	}
	r.roster.Store(newRoster(authorities))
	r.scan() // so that the first to ask finds all issuers and responders known
	return r, nil
}

// Unsigned errors. Nothing changes them.
var (
	tryLater     = ocspsvc.ErrorResponse(ocspsvc.TryLater)
	unauthorized = ocspsvc.ErrorResponse(ocspsvc.Unauthorized)
	malformed    = ocspsvc.ErrorResponse(ocspsvc.MalformedRequest)
	turnedAway   = ocspsvc.ErrorResponse(ocspsvc.TryLater) // for lack of an allowance
)

// Respond answers from memory, from storage, or by asking a responder. It returns
// ocspsvc.ErrNotOurs for certificates of other issuers. The response is shared:
// nobody may change it.
func (r *Relay) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	if len(req.CertIDs) != 1 || len(req.Nonce) > 0 {
		return r.pass(ctx, req)
	}
	id := &req.CertIDs[0]
	k := keyOf(id)
	if a := r.cache.find(k, time.Now()); a != nil {
		r.counts.hits.Inc()
		return a.response, nil
	}
	return r.miss(ctx, k, id)
}

// Prepared implements responder.Preparer: it returns the answer to a plain request if
// that is in memory. No storage and no responder is asked for it.
func (r *Relay) Prepared(_ context.Context, request []byte) *responder.Answer {
	id := ocspsvc.LoneCertID(request)
	if id == nil {
		return nil
	}
	a := r.cache.find(keyOfDER(id), time.Now())
	if a == nil {
		return nil
	}
	r.counts.hits.Inc()
	return a.prepared
}

// miss waits for the answer that is not in memory.
func (r *Relay) miss(ctx context.Context, k key, id *ocspsvc.CertID) (*ocspsvc.Response, error) {
	a := r.roster.Load().of(id)
	switch {
	case a == nil:
		r.counts.result("foreign")
		return nil, fmt.Errorf("serial %x: %w", id.Serial, ocspsvc.ErrNotOurs)
	case len(id.Raw) > maxCertID:
		r.counts.result("malformed")
		return malformed, nil
	}
	if r.waiting.Add(1) > int64(r.cfg.Limits.Waiting) {
		r.waiting.Add(-1)
		r.counts.result("full")
		return tryLater, nil
	}
	defer r.waiting.Add(-1)
	f, said := r.board(subject{key: k, id: own(id), authority: a})
	if f == nil {
		return r.said(said), nil
	}
	return r.await(ctx, f)
}

// own is a CertID that does not keep all of its request in memory.
func own(id *ocspsvc.CertID) ocspsvc.CertID {
	return ocspsvc.CertID{
		Hash: id.Hash, NameHash: bytes.Clone(id.NameHash), KeyHash: bytes.Clone(id.KeyHash),
		Serial: id.Serial, Raw: bytes.Clone(id.Raw),
	}
}

// await waits until a flight has landed, its asker has left, or the time is over.
func (r *Relay) await(ctx context.Context, f *flight) (*ocspsvc.Response, error) {
	timer := time.NewTimer(r.cfg.Timeout)
	defer timer.Stop()
	select {
	case <-f.landed:
		return r.said(f.response), nil
	case <-timer.C:
		return r.said(tryLater), nil
	case <-ctx.Done():
		r.counts.result("left")
		return nil, ctx.Err()
	}
}

// said counts an answer to who had to wait for it.
func (r *Relay) said(response *ocspsvc.Response) *ocspsvc.Response {
	switch {
	case response == turnedAway:
		r.counts.result("limited")
	case response.ResponseStatus == ocspsvc.Successful:
		r.counts.result("fetched")
	default:
		r.counts.result(response.ResponseStatus.String())
	}
	return response
}
