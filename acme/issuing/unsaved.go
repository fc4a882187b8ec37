package issuing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"dwaar/tlsstore/storage"
)

// UnsavedError says that a certificate was issued and did not get into storage. It has cost an
// order, so it is worth a Save later on, until then it lives in memory alone.
type UnsavedError struct {
	Certificate *Certificate
	Err         error
}

// Error implements error.
func (e *UnsavedError) Error() string {
	return fmt.Sprintf("the certificate %s was issued and cannot be saved: %v", e.Certificate.Leaf.SerialNumber.Text(16), e.Err)
}

// Unwrap implements what errors.Is looks for.
func (e *UnsavedError) Unwrap() error { return e.Err }

// Save puts a certificate into storage that got lost on its way there, and returns what is there
// then. That is another one if somebody has put it there meanwhile: instead is what was there
// when cert was ordered, nil for nothing.
func (i *Issuing) Save(ctx context.Context, p Policy, cert, instead *Certificate) (stored *Certificate, err error) {
	err = i.whileIssuing(ctx, cert.Name, func(ctx context.Context) error {
		stored, err = i.Load(ctx, p, cert.Name)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case stored != nil && (instead == nil || !stored.Leaf.Equal(instead.Leaf)):
			return nil
		}
		stored = cert
		return i.save(ctx, cert)
	})
	if err != nil {
		return nil, fmt.Errorf("saving the certificate %s of %s: %w", cert.Leaf.SerialNumber.Text(16), cert.Name, err)
	}
	return stored, nil
}

// A storage that went down during an order may be back within moments, and then our locks are
// still ours. Who waits for longer keeps others from their turn.
const (
	saveAgain  = time.Second
	saveWithin = 20 * time.Second
)

// saveIssued saves what an order has brought, and tries again for a while if there is no
// storage just then. A context that ends ends that, but not the save that is going on.
func (i *Issuing) saveIssued(ctx context.Context, cert *Certificate) error {
	for end := time.Now().Add(saveWithin); ; pause(ctx, saveAgain) {
		err := i.save(context.WithoutCancel(ctx), cert)
		if err == nil {
			return nil
		}
		if !errors.Is(err, storage.ErrUnavailable) || ctx.Err() != nil || time.Now().After(end) {
			return &UnsavedError{cert, err}
		}
	}
}
