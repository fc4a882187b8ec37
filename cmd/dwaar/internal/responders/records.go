package responders

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

// records are those of a database that may not have been there when dwaar was
// started: then it is opened as soon as it is.
type records struct {
	open func(context.Context) (certdb.Records, error)
	log  *slog.Logger

	opened atomic.Pointer[certdb.Records]
	ready  chan struct{} // closed when opened is set
	err    atomic.Pointer[error]

	mu     sync.Mutex // guards closed
	closed bool
}

func newRecords(l *Loaded, log *slog.Logger) *records {
	issuers := make([]*x509.Certificate, len(l.keys.Authorities))
	for i, a := range l.keys.Authorities {
		issuers[i] = a.Issuer
	}
	return &records{log: log, ready: make(chan struct{}), open: func(ctx context.Context) (certdb.Records, error) {
		return certdb.Open(ctx, l.Records, issuers, log)
	}}
}

// errNotOpen stands for a database that has not been there yet.
var errNotOpen = errors.New("the database was not there yet")

// tryOpen opens the database.
func (r *records) tryOpen(ctx context.Context) error {
	opened, err := r.open(ctx)
	if err != nil {
		r.err.Store(&err)
		return err
	}
	if !r.keep(&opened) {
		return opened.Close()
	}
	return nil
}

// keep reports false if nobody wants the records any more.
func (r *records) keep(opened *certdb.Records) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.opened.Store(opened)
	close(r.ready)
	return true
}

// away reports whether err only says that the server of a database cannot be
// reached: that is no mistake in a configuration.
func away(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded)
}

// openAgain is how often a database is tried that was not there.
const openAgain = 2 * time.Second

// run opens the database, however long that takes.
func (r *records) run(ctx context.Context) {
	for r.opened.Load() == nil {
		timer := time.NewTimer(openAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if r.tryOpen(ctx) == nil {
			r.log.Info("the responder's database is there")
		}
	}
}

func (r *records) close() error {
	r.mu.Lock()
	again := r.closed
	r.closed = true
	r.mu.Unlock()
	if opened := r.opened.Load(); opened != nil && !again {
		return (*opened).Close()
	}
	return nil
}

// now are the records if they are open.
func (r *records) now() (certdb.Records, error) {
	if opened := r.opened.Load(); opened != nil {
		return *opened, nil
	}
	if err := r.err.Load(); err != nil {
		return nil, *err
	}
	return nil, errNotOpen
}

// Record implements responder.Records.
func (r *records) Record(ctx context.Context, issuer responder.IssuerID, serial *big.Int) (responder.Record, error) {
	now, err := r.now()
	if err != nil {
		return responder.Record{}, err
	}
	return now.Record(ctx, issuer, serial)
}

// List implements responder.Lister.
func (r *records) List(ctx context.Context, issuer responder.IssuerID, after *big.Int, limit int) ([]responder.Entry, error) {
	now, err := r.now()
	if err != nil {
		return nil, err
	}
	lister, ok := now.(responder.Lister)
	if !ok {
		return nil, errors.New("this database cannot be listed") // Load has refused presign with it
	}
	return lister.List(ctx, issuer, after, limit)
}

// Ping implements responder.Pinger.
func (r *records) Ping(ctx context.Context) error {
	now, err := r.now()
	if err != nil {
		return err
	}
	return now.Ping(ctx)
}

// Watch implements responder.Watcher, for those that can watch.
func (r *records) Watch(ctx context.Context, changed func(issuer responder.IssuerID, serial *big.Int)) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ready:
	}
	now, err := r.now()
	if err != nil {
		return err
	}
	if watcher, ok := now.(responder.Watcher); ok {
		return watcher.Watch(ctx, changed)
	}
	<-ctx.Done()
	return ctx.Err()
}
