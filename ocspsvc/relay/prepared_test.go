package relay_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// get asks by GET.
func (d *desk) get(handler http.Handler, der []byte, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/"+url.QueryEscape(base64.StdEncoding.EncodeToString(der)), nil)
	r.Header = header
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// The header says the same of an answer that was just asked for, and of one from
// memory; over all of its life no cache may keep it beyond its end.
func TestNoCacheKeepsAnAnswerBeyondItsNextUpdate(t *testing.T) {
	for _, validity := range []time.Duration{10 * time.Minute, 7 * day, 90 * day} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.responder.Change(func(s *ocsptest.Settings) { s.Validity = validity })
			handler := responder.Handler(d.relay, responder.Options{})
			der := d.der(d.ca.Leaf(t))
			fresh := d.get(handler, der, nil)
			d.responder.Set(ocsptest.HTTP500)
			for i := range 20 {
				w := d.get(handler, der, nil)
				if w.Header().Get("Cache-Control") == "no-store" {
					t.Fatalf("%s: after %d tenths of its life: %v", validity, i, w.Header())
				}
				if i == 0 && fmt.Sprint(w.Header()) != fmt.Sprint(fresh.Header()) {
					t.Errorf("from memory %v, before %v", w.Header(), fresh.Header())
				}
				checkHeader(t, w)
				time.Sleep(validity / 20)
			}
			if got := d.get(handler, der, nil).Header(); got.Get("Cache-Control") != "no-store" || got.Get("Etag") != "" || got.Get("Expires") != "" {
				t.Errorf("at its end: %v", got)
			}
		})
	}
}

// checkHeader holds an answer's header against RFC 9919 §6.
func checkHeader(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	response, err := ocspsvc.ParseResponse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	single, header := response.Singles[0], w.Header()
	var seconds int
	if _, err := fmt.Sscanf(header.Get("Cache-Control"), "max-age=%d, public, no-transform, must-revalidate", &seconds); err != nil {
		t.Errorf("Cache-Control = %q", header.Get("Cache-Control"))
	}
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	if seconds < 1 || seconds > 24*3600 || !until.Before(single.NextUpdate) || !single.ThisUpdate.Before(until) {
		t.Errorf("a cache keeps it until %v; it is valid from %v to %v", until, single.ThisUpdate, single.NextUpdate)
	}
	if header.Get("Expires") != single.NextUpdate.UTC().Format(http.TimeFormat) || header.Get("Last-Modified") != single.ThisUpdate.UTC().Format(http.TimeFormat) {
		t.Errorf("header %v of %+v", header, single)
	}
}

// ending is a responder whose certificate ends in half an hour, and does not care.
type ending struct {
	leaf, delegate *ocsptest.Leaf
}

func (e ending) Ask(_ context.Context, req *ocspsvc.Request, _ *x509.Certificate, _ ...string) (*ocspsvc.Response, error) {
	single := ocspsvc.Single{CertID: req.CertIDs[0], Status: ocspsvc.Good, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(day)}
	t := ocspsvc.Template{ProducedAt: time.Now(), Singles: []ocspsvc.Single{single}, Certificates: []*x509.Certificate{e.delegate.Cert}}
	der, err := t.SignDER(e.delegate.Cert, e.delegate.Key)
	if err != nil {
		return nil, err
	}
	return ocspsvc.ParseResponse(der)
}

// Whose signature ends sooner ends what it signed.
func TestNoCacheKeepsAnAnswerBeyondItsSigner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.asker = ending{leaf, d.ca.Delegate(t, ocsptest.Validity(-day, 30*time.Minute))}
		d.open()
		handler := responder.Handler(d.relay, responder.Options{})
		d.get(handler, d.der(leaf), nil)
		header := d.get(handler, d.der(leaf), nil).Header()
		if got := header.Get("Cache-Control"); got != "max-age=900, public, no-transform, must-revalidate" {
			t.Errorf("Cache-Control = %q", got)
		}
		if got := header.Get("Expires"); got != time.Now().Add(30*time.Minute).UTC().Format(http.TimeFormat) {
			t.Errorf("Expires = %q", got)
		}
	})
}

func TestWhoHasTheAnswerIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		handler := responder.Handler(d.relay, responder.Options{})
		der := d.der(d.ca.Leaf(t))
		etag := d.get(handler, der, nil).Header().Get("Etag")
		has := http.Header{"If-None-Match": {etag}}
		if w := d.get(handler, der, has); w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("Etag") != etag {
			t.Errorf("HTTP %d, %d octets, %v", w.Code, w.Body.Len(), w.Header())
		}
		d.responder.Set(ocsptest.Revoked)
		time.Sleep(day)
		if w := d.get(handler, der, has); w.Code != http.StatusOK || w.Header().Get("Etag") == etag || w.Body.Len() == 0 {
			t.Errorf("after a revocation: HTTP %d, %v", w.Code, w.Header())
		}
	})
}

// What is in memory costs no allocation, no storage and no responder, by GET and by
// POST, by SHA-1 and by SHA-256.
func TestAHitAsksNobody(t *testing.T) { synctest.Test(t, hitAsksNobody) }

func hitAsksNobody(t *testing.T) {
	d := newDesk(t)
	leaf := d.ca.Leaf(t)
	handler := responder.Handler(d.relay, responder.Options{})
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		der, err := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, hash)}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		w := discard{http.Header{}}
		get := httptest.NewRequest(http.MethodGet, "/"+base64.StdEncoding.EncodeToString(der), nil)
		body := bytes.NewReader(nil)
		post := httptest.NewRequest(http.MethodPost, "/", body)
		handler.ServeHTTP(w, get)
		synctest.Wait()
		stored, asked, hits := d.disk.calls.Load(), d.responder.Count(), d.count("hits_total")
		const rounds = 1000
		if n := testing.AllocsPerRun(rounds, func() { handler.ServeHTTP(w, get) }); n >= 1 {
			t.Errorf("%s: a GET takes %v allocations", hash, n)
		}
		if n := testing.AllocsPerRun(rounds, func() { body.Reset(der); handler.ServeHTTP(w, post) }); n > 3 {
			t.Errorf("%s: a POST takes %v allocations", hash, n)
		}
		if n := d.count("hits_total") - hits; n < 2*rounds {
			t.Errorf("%s: %v hits", hash, n)
		}
		if n := d.disk.calls.Load() - stored; n != 0 {
			t.Errorf("%s: storage was asked %d times", hash, n)
		}
		if n := d.responder.Count() - asked; n != 0 {
			t.Errorf("%s: the responder was asked %d times", hash, n)
		}
	}
}
