package client_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// recorder keeps the bytes of the last response.
type recorder struct {
	next http.Handler
	mu   sync.Mutex
	last []byte
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	tee := &teeWriter{ResponseWriter: w}
	r.next.ServeHTTP(tee, hr)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = tee.sent.Bytes()
}

func (r *recorder) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

type teeWriter struct {
	http.ResponseWriter
	sent bytes.Buffer
}

func (w *teeWriter) Write(p []byte) (int, error) {
	w.sent.Write(p)
	return w.ResponseWriter.Write(p)
}

func (w *teeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// expected is the word for a fault as this client asks: without nonce, with
// nextUpdate as the only limit of age, and no nextUpdate accepted.
func expected(fault ocsptest.Fault) ocspsvc.Reason {
	switch fault {
	case ocsptest.NonceMismatch, ocsptest.NonceOmitted, ocsptest.NoNextUpdate, ocsptest.Old:
		return ocspsvc.ReasonGood
	}
	return fault.Reason()
}

// outcome is the word of a response that Fetch returned, or of its error.
func outcome(resp *ocspsvc.Response, err error, leaf, issuer *x509.Certificate) ocspsvc.Reason {
	if err != nil {
		return ocspsvc.ReasonOf(err)
	}
	verdict, err := ocspsvc.Verify(resp, leaf, issuer, time.Now(), ocspsvc.VerifyOptions{AllowNoNextUpdate: true, MaxAge: 365 * 24 * time.Hour})
	if err != nil {
		return "unverified: " + ocspsvc.ReasonOf(err)
	}
	return verdict.Reason
}

// Every fault of a lone responder has its word, takes at most eight requests
// and the timeout, and leaves no goroutine (the bubble would not end).
func TestEveryFaultHasItsReason(t *testing.T) {
	for _, fault := range ocsptest.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { askFaulty(t, fault) })
		})
	}
}

func askFaulty(t *testing.T, fault ocsptest.Fault) {
	ca := ocsptest.NewCA(t)
	responder := ocsptest.NewResponder(t, ca)
	leaf := ca.Leaf(t, ocsptest.OCSP("http://ocsp.example/"))
	responder.UseLeaf(leaf)
	responder.Set(fault)
	n := newNetwork(t)
	n.Name("ocsp.example", "8.8.8.8")
	record := &recorder{next: responder}
	n.Serve("8.8.8.8:80", record)
	start := time.Now()
	resp, err := n.client(client.Config{}).Fetch(t.Context(), leaf.Cert, ca.Cert)
	if got, want := outcome(resp, err, leaf.Cert, ca.Cert), expected(fault); got != want {
		t.Errorf("reason = %q (%v), want %q", got, err, want)
	}
	if took := time.Since(start); took > client.DefaultTimeout {
		t.Errorf("took %v", took)
	}
	if count := responder.Count(); count < 1 || count > 8 {
		t.Errorf("%d requests", count)
	}
	if err != nil {
		if _, ok := err.(*ocspsvc.Error); !ok || resp != nil || expected(fault) == ocspsvc.ReasonUnknown {
			t.Errorf("Fetch = %v, %T (%v)", resp, err, err)
		}
		return
	}
	if sent := record.bytes(); !bytes.Equal(resp.Raw, sent) && expected(fault) != ocspsvc.ReasonUnknown {
		t.Errorf("Raw is not what was received: %d and %d bytes", len(resp.Raw), len(sent))
	}
}

func TestRequireNextUpdateRefusesResponsesWithoutIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Set(ocsptest.NoNextUpdate)
		w.cfg.RequireNextUpdate = true
		w.wantReason(ocspsvc.ReasonNoNextUpdate)
	})
}

func TestMaxAgeEndsOnlyResponsesWithoutNextUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Change(func(s *ocsptest.Settings) { s.Age, s.Validity = 8*24*time.Hour, 30*24*time.Hour })
		w.wantReason(ocspsvc.ReasonGood)
		w.responder.Set(ocsptest.NoNextUpdate)
		w.wantReason(ocspsvc.ReasonTooOld)
		w.cfg.MaxAge = 9 * 24 * time.Hour
		w.wantReason(ocspsvc.ReasonGood)
	})
}

func TestAnErrorCarriesItsReasonAndEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Set(ocsptest.HTTP500)
		_, err := w.fetch()
		want := "http_error: http://ocsp.example/ (8.8.8.8, GET sha1): http_error: status 500; " +
			"http://ocsp.example/ (8.8.8.8, POST sha1): http_error: status 500"
		if err == nil || err.Error() != want {
			t.Errorf("error = %v\nwant %s", err, want)
		}
		var all *client.FetchError
		if !errors.As(err, &all) || len(all.Attempts) != 2 {
			t.Errorf("no two attempts inside %v", err)
		}
	})
}
