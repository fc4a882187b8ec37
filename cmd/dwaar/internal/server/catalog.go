package server

import (
	"context"
	"iter"
	"log/slog"
	"sync"

	"dwaar/acme"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/config"
	"dwaar/tlsstore"
)

// catalog shows the certificate store to the stapler: leaves one way, staples
// and revocations the other.
type catalog struct {
	certs   *tlsstore.Store
	manager *acme.Manager
	log     *slog.Logger
}

// Certificates is part of stapler.Catalog.
func (c catalog) Certificates() iter.Seq[stapler.Certificate] {
	return func(yield func(stapler.Certificate) bool) {
		for record := range c.records() {
			if !yield(certificate(record)) {
				return
			}
		}
	}
}

// records are what the store has, each with its chain.
func (c catalog) records() iter.Seq[tlsstore.Record] {
	return func(yield func(tlsstore.Record) bool) {
		for record := range c.certs.Catalog() {
			if record.Chain == nil && !c.load(&record) {
				continue
			}
			if !yield(record) {
				return
			}
		}
	}
}

// load gets the chain of a certificate whose body is not in memory.
func (c catalog) load(record *tlsstore.Record) bool {
	chain, err := c.certs.Chain(context.Background(), record.Fingerprint)
	if err != nil {
		c.log.Warn("a certificate is left without a staple: its chain cannot be loaded",
			"names", record.Names, "serial", record.Serial, "err", err)
		return false
	}
	record.Chain = chain
	return true
}

func certificate(record tlsstore.Record) stapler.Certificate {
	return stapler.Certificate{
		Fingerprint: record.Fingerprint, Chain: record.Chain,
		Disabled: record.OCSPOff, Manual: record.Source == tlsstore.SourceManual,
		Terms: terms(staplingOf(record.Note)),
	}
}

// Attach is part of stapler.Catalog.
func (c catalog) Attach(leaf stapler.Fingerprint, staple *stapler.Staple) {
	if staple == nil {
		c.certs.Attach(leaf, nil)
		return
	}
	c.certs.Attach(leaf, &tlsstore.Staple{Response: staple.Response, From: staple.From, Until: staple.Until})
}

// Revocation says whether leaf is revoked. on_revoked decides about serving; a
// certificate of dwaar's own is replaced (V1), and an operator's files are not
// touched (V2).
func (c catalog) Revocation(leaf stapler.Fingerprint, verdict ocspsvc.Verdict) {
	c.certs.SetRevoked(leaf, verdict.Status == ocspsvc.Revoked)
	c.manager.Revoked(leaf, verdict)
}

// opinion is what one of two finders of revocations says. A certificate may
// have both, where `responder` names one for it: it is revoked while one of them
// says so.
type opinion struct {
	catalog
	order *sync.Mutex // of what both say
	other func(leaf stapler.Fingerprint) (revoked bool)
}

// Revocation is part of stapler.Revocations and crl.Revocations.
func (o opinion) Revocation(leaf stapler.Fingerprint, verdict ocspsvc.Verdict) {
	o.order.Lock()
	defer o.order.Unlock()
	if verdict.Status == ocspsvc.Revoked || !o.other(leaf) {
		o.catalog.Revocation(leaf, verdict)
	}
}

func (s *Server) byOCSP() opinion {
	return opinion{s.view(), &s.opinions, func(leaf stapler.Fingerprint) bool { return s.crl.Status(leaf).State == crl.Revoked }}
}

func (s *Server) byCRL() opinion {
	return opinion{s.view(), &s.opinions, func(leaf stapler.Fingerprint) bool {
		return s.stapler.Status(leaf).Reason == ocspsvc.ReasonRevoked
	}}
}

func (s *Server) view() catalog { return catalog{s.certs, s.acme, s.log} }

// crlCatalog shows the same to the CRL watcher.
type crlCatalog struct {
	catalog
	on func(config.Stapling) bool // `crl on`
}

// Certificates is part of crl.Catalog.
func (c crlCatalog) Certificates() iter.Seq[crl.Certificate] {
	return func(yield func(crl.Certificate) bool) {
		for record := range c.records() {
			off := record.OCSPOff || !c.on(staplingOf(record.Note))
			if !yield(crl.Certificate{Fingerprint: record.Fingerprint, Chain: record.Chain, Disabled: off}) {
				return
			}
		}
	}
}
