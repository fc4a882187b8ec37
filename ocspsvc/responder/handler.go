package responder

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"dwaar/ocspsvc"
)

// Options are the settings of a Handler.
type Options struct {
	// Prefix is the escaped path of the responder's URL: "/ocsp" for
	// http://pki.example/ocsp. It only matters for GET; "" is the root.
	Prefix string

	Log *slog.Logger // nil logs nothing
}

// Handler answers POST with a DER encoded request as its body, and GET with
// one in the path, by asking source. Whatever the answer is, OCSP errors
// included, the HTTP status is 200; other methods get 405, requests over
// ocspsvc.MaxRequestSize 413. Errors of source become unsigned OCSP errors:
// ocspsvc.ErrNotOurs unauthorized, a passed deadline tryLater, others
// internalError.
func Handler(source ocspsvc.Source, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &handler{source: source, prefix: o.Prefix, log: o.Log}
}

type handler struct {
	source ocspsvc.Source
	prefix string
	log    *slog.Logger
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var der []byte
	var err error
	switch r.Method {
	case http.MethodPost:
		der, err = io.ReadAll(http.MaxBytesReader(w, r.Body, ocspsvc.MaxRequestSize))
	case http.MethodGet:
		der, err = requestFromPath(r.URL.EscapedPath(), h.prefix)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "an OCSP responder answers GET and POST", http.StatusMethodNotAllowed)
		return
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) || errors.Is(err, errPathTooLong) {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	}
	write(w, r, h.answer(r.Context(), der, err), time.Now())
}

// answer never returns nil.
func (h *handler) answer(ctx context.Context, der []byte, err error) *ocspsvc.Response {
	var req *ocspsvc.Request
	if err == nil {
		req, err = ocspsvc.ParseRequest(der)
	}
	if err != nil {
		h.log.Debug("malformed OCSP request", "err", err)
		return ocspsvc.ErrorResponse(ocspsvc.MalformedRequest)
	}
	response, err := h.source.Respond(ctx, req)
	switch {
	case err == nil:
		return response
	case errors.Is(err, ocspsvc.ErrNotOurs):
		h.log.Debug("OCSP request for another issuer", "serial", req.CertIDs[0].Serial, "err", err)
		return ocspsvc.ErrorResponse(ocspsvc.Unauthorized)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		h.log.Warn("no time to answer an OCSP request", "serial", req.CertIDs[0].Serial, "err", err)
		return ocspsvc.ErrorResponse(ocspsvc.TryLater)
	}
	h.log.Error("answering an OCSP request", "serial", req.CertIDs[0].Serial, "err", err)
	return ocspsvc.ErrorResponse(ocspsvc.InternalError)
}
