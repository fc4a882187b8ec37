package responder

import (
	"context"
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
// internalError. A source that is a Preparer is asked for prepared answers first.
func Handler(source ocspsvc.Source, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{source: source, prefix: o.Prefix, log: o.Log}
	h.preparer, _ = source.(Preparer)
	return h
}

// Preparer is what a Source may be besides: one that has its answers ready to be
// sent, as a Signer and a relay.Relay have. That spares a Handler to read the
// request and to make the answer's header.
type Preparer interface {
	// Prepared returns the answer to a request in DER, of which nothing is known
	// yet, or nil if Respond has to be asked. It does not keep request.
	Prepared(ctx context.Context, request []byte) *Answer
}

type handler struct {
	source   ocspsvc.Source
	preparer Preparer // source, if it is one
	prefix   string
	log      *slog.Logger
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "an OCSP responder answers GET and POST", http.StatusMethodNotAllowed)
		return
	}
	buffer := buffers.Get().(*buffer)
	defer buffers.Put(buffer)
	der, err := buffer.request(w, r, h.prefix)
	if err != nil {
		if isTooLarge(err) {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return
		}
		der = nil // half a request, which is malformed
	}
	h.answer(r.Context(), der).write(w, r, time.Now())
}

// answer returns what source has prepared, or else prepares what it says.
func (h *handler) answer(ctx context.Context, der []byte) *Answer {
	if h.preparer != nil {
		if a := h.preparer.Prepared(ctx, der); a != nil {
			return a
		}
	}
	req, err := ocspsvc.ParseRequest(der)
	if err != nil {
		h.log.Debug("malformed OCSP request", "err", err)
		return errorAnswer(ocspsvc.MalformedRequest)
	}
	response, err := h.source.Respond(ctx, req)
	if err != nil {
		logRefusal(h.log, req, err)
		return errorAnswer(statusOf(err))
	}
	return NewAnswer(response, time.Time{})
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
