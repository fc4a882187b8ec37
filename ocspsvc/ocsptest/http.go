package ocsptest

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
)

// Start serves the responder on a loopback port until the test ends, and
// returns its URL. It may be started several times, also with TLS in front.
func (r *Responder) Start(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(func() {
		r.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// ServeHTTP answers POST and GET as the settings say.
func (r *Responder) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	der, err := readRequest(hr)
	var req *ocspsvc.Request
	if err == nil {
		req, err = ocspsvc.ParseRequest(der)
	}
	r.log(hr.Method, hr.RequestURI, hr.Header, req)
	s, c := r.settingsFor(nil)
	if req != nil {
		s, c = r.settingsFor(req.CertIDs[0].Serial)
	}
	switch {
	case r.wait(hr.Context(), s.Delay) != nil:
		return
	case s.Only != "" && s.Only != hr.Method:
		http.Error(w, "only "+s.Only, http.StatusMethodNotAllowed)
	case r.failed(w, hr, s):
	case err != nil:
		r.write(w, hr, s, ocspsvc.MarshalError(ocspsvc.MalformedRequest))
	default:
		r.serve(w, hr, s, c, req)
	}
}

func (r *Responder) serve(w http.ResponseWriter, hr *http.Request, s Settings, c cast, req *ocspsvc.Request) {
	der, err := r.answer(req, s, c)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.write(w, hr, s, der)
}

// readRequest takes the DER from the body, or from the path's last part.
func readRequest(hr *http.Request) ([]byte, error) {
	if hr.Method == http.MethodPost {
		return io.ReadAll(io.LimitReader(hr.Body, ocspsvc.MaxRequestSize+1))
	}
	path := hr.URL.EscapedPath()
	encoded, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(encoded)
}

// failed does what is wrong with HTTP, and reports whether that was all.
func (r *Responder) failed(w http.ResponseWriter, hr *http.Request, s Settings) bool {
	if s.RetryAfter != "" && s.Fault.Reason() != ocspsvc.ReasonGood {
		w.Header().Set("Retry-After", s.RetryAfter)
	}
	switch s.Fault {
	case HTTP404:
		http.Error(w, "not here", http.StatusNotFound)
	case HTTP500:
		http.Error(w, "broken", http.StatusInternalServerError)
	case HTTP503:
		http.Error(w, "busy", http.StatusServiceUnavailable)
	case Redirect:
		location := s.Location
		if location == "" {
			location = hr.RequestURI
		}
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	case Hang:
		_ = r.hang(hr.Context())
		panic(http.ErrAbortHandler)
	case HangAfterHeader:
		w.Header().Set("Content-Type", "application/ocsp-response")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		_ = r.hang(hr.Context())
		panic(http.ErrAbortHandler)
	case ConnectionDropped:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// write sends the bytes, chunked or dripping where the fault says so.
func (r *Responder) write(w http.ResponseWriter, hr *http.Request, s Settings, der []byte) {
	w.Header().Set("Content-Type", "application/ocsp-response")
	switch s.Fault {
	case HTML:
		w.Header().Set("Content-Type", "text/html")
	case Chunked, OversizeChunked:
		writeChunked(w, der)
		return
	case SlowDrip:
		r.drip(hr.Context(), w, s, der)
		return
	case SlowDripForever:
		for r.drip(hr.Context(), w, s, der[:len(der)/2]) {
			s.Drip = max(s.Drip, time.Millisecond) * 2
		}
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(der)
}

func writeChunked(w http.ResponseWriter, der []byte) {
	for len(der) > 0 {
		n := min(len(der), 100)
		_, _ = w.Write(der[:n])
		_ = http.NewResponseController(w).Flush()
		der = der[n:]
	}
}

// drip sends octet after octet, and reports whether it came to the end.
func (r *Responder) drip(ctx context.Context, w http.ResponseWriter, s Settings, der []byte) bool {
	pause := s.Drip
	if pause == 0 {
		pause = 10 * time.Millisecond
	}
	for i := range der {
		if _, err := w.Write(der[i : i+1]); err != nil || r.wait(ctx, pause) != nil {
			return false
		}
		_ = http.NewResponseController(w).Flush()
	}
	return true
}
