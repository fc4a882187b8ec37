package demo

import (
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"dwaar/ocspsvc"
)

// answerOCSP serves a Source over HTTP: POST with the request as body, GET with
// it in the path (RFC 6960 appendix A.1).
func answerOCSP(source ocspsvc.Source, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		der, ok := readOCSP(w, r)
		if !ok {
			return
		}
		w.Header().Set("Content-Type", "application/ocsp-response")
		req, err := ocspsvc.ParseRequest(der)
		if err != nil {
			_, _ = w.Write(ocspsvc.MarshalError(ocspsvc.MalformedRequest))
			return
		}
		_, _ = w.Write(respond(source, r, req, log))
	})
}

func respond(source ocspsvc.Source, r *http.Request, req *ocspsvc.Request, log *slog.Logger) []byte {
	resp, err := source.Respond(r.Context(), req)
	switch {
	case errors.Is(err, ocspsvc.ErrNotOurs):
		return ocspsvc.MarshalError(ocspsvc.Unauthorized)
	case err != nil:
		log.Error("the demo's responder cannot answer", "err", err)
		return ocspsvc.MarshalError(ocspsvc.InternalError)
	}
	return resp.Raw
}

// readOCSP returns the request's DER, or answers with an HTTP error itself.
func readOCSP(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	switch r.Method {
	case http.MethodPost:
		der, err := io.ReadAll(http.MaxBytesReader(w, r.Body, ocspsvc.MaxRequestSize))
		if err != nil {
			http.Error(w, "the request is too large or was cut off", http.StatusBadRequest)
		}
		return der, err == nil
	case http.MethodGet:
		// The escaped path: base64 may contain %2F, and // must not be cleaned away.
		text, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
		if err != nil || text == "" {
			http.Error(w, "an OCSP responder: POST a request, or GET it as base64 in the path", http.StatusBadRequest)
			return nil, false
		}
		// What is no base64 is no OCSP request either, and answered like one.
		der, _ := base64.StdEncoding.DecodeString(text)
		return der, true
	}
	w.Header().Set("Allow", "GET, POST")
	http.Error(w, "an OCSP responder takes GET and POST", http.StatusMethodNotAllowed)
	return nil, false
}
