package certdb

import (
	"context"
	"crypto/x509"

	"fmt"
	"io"
	"log/slog"

	"dwaar/ocspsvc/responder"
)

// Records are what Open opens.
type Records interface {
	responder.Records
	responder.Lister
	responder.Pinger
	io.Closer
}

// Open opens a database for a responder that answers for these issuers. Where it
// can tell of changes it is a responder.Watcher, too. A database of dwaar's own
// that is not there is made, with a warning, so that it can be filled later.
func Open(ctx context.Context, cfg Config, issuers []*x509.Certificate, log *slog.Logger) (Records, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	a, err := cfg.Database.resolve()
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	records, err := cfg.open(ctx, a, issuers, log.With("database", cfg.Database))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", cfg.Database, err)
	}
	return records, nil
}

func (cfg Config) open(ctx context.Context, a address, issuers []*x509.Certificate, log *slog.Logger) (Records, error) {
	d, fresh, err := openAddress(ctx, a, true)
	if err != nil {
		return nil, err
	}
	if fresh {
		log.Warn("the database is new and empty: every certificate is unknown until `dwaar ca add` or `dwaar ca import`")
	}
	return d, nil
}
