package admin

import (
	"context"
	"net/http"
)

// Controller is the running dwaar as the door sees it. Its methods are called
// from many goroutines at once.
type Controller interface {
	// Status is a picture of the whole, certificates included.
	Status() Status
	// Ready reports whether the listeners are up and the first configuration serves.
	Ready() bool
	// ReloadFile reads the configuration again, from path, or from where it was
	// read before if path is empty. On an error nothing has changed; its text has
	// one problem a line.
	ReloadFile(ctx context.Context, path string) error
	// Stop begins a graceful stop and returns at once.
	Stop()
	// Refresh asks the responder of the leaf with this fingerprint now. It returns
	// the staple's state afterwards; the error is why this refresh brought no
	// verified answer (an *ocspsvc.Error has the reason word).
	Refresh(ctx context.Context, fingerprint string) (Staple, error)
	// Metrics answers GET /metrics.
	Metrics() http.Handler
}
