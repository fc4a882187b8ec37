package admin

import (
	"context"
	"errors"
	"net/http"
)

// ErrUnmanaged is wrapped by Renew and Reissue for a name whose certificate is
// not dwaar's to get: nobody can be asked for another.
var ErrUnmanaged = errors.New("dwaar does not get a certificate for it")

// Controller is the running dwaar as the door sees it. Its methods are called
// from many goroutines at once.
type Controller interface {
	// Status is a picture of the whole, certificates included.
	Status() Status
	// Ready returns nil if the listeners are up, the first configuration serves, and
	// OCSP responders can answer for every certificate; else why not, in one line or
	// several.
	Ready() error
	// ReloadFile reads the configuration again, from path, or from where it was
	// read before if path is empty. On an error nothing has changed; its text has
	// one problem a line.
	ReloadFile(ctx context.Context, path string) error
	// Stop begins a graceful stop and returns at once.
	Stop()
	// Refresh asks the responder of the leaf with this fingerprint now, and reads
	// the CRL of one that has none. The error is why that brought no verified
	// answer (an *ocspsvc.Error has the reason word).
	Refresh(ctx context.Context, fingerprint string) (Outcome, error)
	// Renew gets a new certificate for this managed name now, though the old one
	// is still good, and returns when it serves. The error is why it does not.
	Renew(ctx context.Context, name string) error
	// Reissue is Renew for a certificate that is not to be trusted any more: the
	// new one has another key, whatever is configured about keys.
	Reissue(ctx context.Context, name string) error
	// Metrics answers GET /metrics.
	Metrics() http.Handler
}
