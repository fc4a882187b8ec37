package server

import (
	"context"
	"iter"
	"log/slog"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/stapler"
	"dwaar/tlsstore"
)

// catalog shows the certificate store to the stapler: leaves one way, staples
// and revocations the other.
type catalog struct {
	certs *tlsstore.Store
	log   *slog.Logger
}

// Certificates is part of stapler.Catalog.
func (c catalog) Certificates() iter.Seq[stapler.Certificate] {
	return func(yield func(stapler.Certificate) bool) {
		for record := range c.certs.Catalog() {
			if record.Chain == nil && !c.load(&record) {
				continue
			}
			if !yield(certificate(record)) {
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

// Revocation is stapler.Revocations (V2): the operator's files are not touched,
// on_revoked decides about serving.
func (c catalog) Revocation(leaf stapler.Fingerprint, verdict ocspsvc.Verdict) {
	c.certs.SetRevoked(leaf, verdict.Status == ocspsvc.Revoked)
}
