package certdb

import (
	"context"
	"crypto/x509"

	"fmt"
	"io"
	"log/slog"

	"dwaar/ocspsvc/responder"
)

// Records are what Open opens. All but those of SchemaListCerts are a
// responder.Lister, too, and PostgreSQL and files are a responder.Watcher.
type Records interface {
	responder.Records
	responder.Pinger
	io.Closer
}

// Open opens a database for a responder that answers for these issuers. A
// database of dwaar's own that is not there is made, with a warning, so that it
// can be filled later.
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
	switch {
	case cfg.Schema == SchemaListCerts:
		return openListCerts(ctx, a, issuers, log)
	case a.kind == kindIndex:
		return opened(openIndex(a.path, issuers, log))
	case a.kind == kindCRL:
		return opened(openCRL(a, issuers, log))
	}
	d, fresh, err := openAddress(ctx, a, true)
	if err != nil {
		return nil, err
	}
	if fresh {
		log.Warn("the database is new and empty: every certificate is unknown until `dwaar ca add` or `dwaar ca import`")
	}
	if a.kind == kindPostgres {
		return &listener{DB: d, issuers: issuers}, nil
	}
	return d, nil
}

// opened keeps a nil pointer from becoming Records.
func opened[R Records](r R, err error) (Records, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}
