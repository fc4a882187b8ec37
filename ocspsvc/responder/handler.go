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
// internalError. The answers of a Signer come from its cache as they are.
func Handler(source ocspsvc.Source, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{prefix: o.Prefix}
	var ready bool
	if h.source, ready = source.(answerer); !ready {
		h.source = plain{source, o.Log}
	}
	return h
}

// answerer answers whatever it gets, and never by nil.
type answerer interface {
	answer(ctx context.Context, der []byte) *answer
}

type handler struct {
	source answerer
	prefix string
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
	if err != nil {
		if isTooLarge(err) {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return
		}
		der = nil // half a request, which is malformed
	}
	h.source.answer(r.Context(), der).write(w, r, time.Now())
}

func isTooLarge(err error) bool {
	_, body := errors.AsType[*http.MaxBytesError](err)
	return body || errors.Is(err, errPathTooLong)
}

// plain is a Source that only knows how to respond.
type plain struct {
	source ocspsvc.Source
	log    *slog.Logger
}

func (p plain) answer(ctx context.Context, der []byte) *answer {
	req, err := ocspsvc.ParseRequest(der)
	if err != nil {
		p.log.Debug("malformed OCSP request", "err", err)
		return errorAnswer(ocspsvc.MalformedRequest)
	}
	response, err := p.source.Respond(ctx, req)
	if err != nil {
		logRefusal(p.log, req, err)
		return errorAnswer(statusOf(err))
	}
	return answerOf(response)
}

// logRefusal says as loudly as it matters to whoever runs the responder why a
// request is answered by an error.
func logRefusal(log *slog.Logger, req *ocspsvc.Request, err error) {
	level := slog.LevelDebug
	switch statusOf(err) {
	case ocspsvc.InternalError:
		level = slog.LevelError
	case ocspsvc.TryLater:
		level = slog.LevelWarn
	}
	if !log.Enabled(context.Background(), level) {
		return
	}
	serial := "none"
	if req != nil && len(req.CertIDs) > 0 {
		serial = req.CertIDs[0].Serial.Text(16)
	}
	log.Log(context.Background(), level, "OCSP request refused", "serial", serial, "err", err)
}
