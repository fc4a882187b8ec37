package client_test

import (
	"crypto"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// askFor asks about the world's leaf by its CertID.
func (w *world) askFor(hash crypto.Hash, nonce []byte) (*ocspsvc.Response, error) {
	w.t.Helper()
	if w.asker == nil {
		w.keep()
	}
	id, err := ocspsvc.NewCertID(w.leaf.Cert, w.ca.Cert, hash)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.asker.Ask(w.t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: nonce}, w.ca.Cert, "http://ocsp.example/")
}

func TestACertIDIsAskedAboutByItsOwnHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Change(func(s *ocsptest.Settings) { s.OnlyHash = crypto.SHA1 })
		if _, err := w.askFor(crypto.SHA1, nil); err != nil {
			t.Error(err)
		}
		_, err := w.askFor(crypto.SHA256, nil)
		var refused interface{ ResponseStatus() ocspsvc.ResponseStatus }
		if ocspsvc.ReasonOf(err) != ocspsvc.ReasonResponderError || !errors.As(err, &refused) || refused.ResponseStatus() != ocspsvc.Unauthorized {
			t.Errorf("err = %v", err)
		}
		if got, want := asked(w.responder, 0), []string{"GET sha1", "GET sha256"}; !slices.Equal(got, want) {
			t.Errorf("asked by %q, want %q", got, want)
		}
	})
}

// A responder that answers POST only is asked by POST the second time, by
// each hash; and what Ask learned is not what Fetch does.
func TestTheMethodIsLearnedForEachHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Change(func(s *ocsptest.Settings) { s.Only = "POST" })
		for range 2 {
			for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA1} {
				if _, err := w.askFor(hash, nil); err != nil {
					t.Error(err)
				}
			}
		}
		want := []string{"GET sha256", "POST sha256", "GET sha1", "POST sha1", "POST sha256", "POST sha1"}
		if got := asked(w.responder, 0); !slices.Equal(got, want) {
			t.Errorf("asked by %q, want %q", got, want)
		}
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1", "POST sha1")
	})
}

func TestANonceIsSentByPOSTAndChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		nonce := []byte("0123456789abcdef")
		if resp, err := w.askFor(crypto.SHA1, nonce); err != nil || string(resp.Nonce) != string(nonce) {
			t.Errorf("%v", err)
		}
		w.responder.Set(ocsptest.NonceMismatch)
		if _, err := w.askFor(crypto.SHA1, nonce); ocspsvc.ReasonOf(err) != ocspsvc.ReasonWrongCertificate {
			t.Errorf("err = %v", err)
		}
		if got, want := asked(w.responder, 0), []string{"POST sha1", "POST sha1"}; !slices.Equal(got, want) {
			t.Errorf("asked by %q, want %q", got, want)
		}
	})
}

func TestEveryCertIDHasToBeAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		other := w.ca.Leaf(t)
		var req ocspsvc.Request
		for _, leaf := range []*ocsptest.Leaf{w.leaf, other} {
			id, err := ocspsvc.NewCertID(leaf.Cert, w.ca.Cert, crypto.SHA1)
			if err != nil {
				t.Fatal(err)
			}
			req.CertIDs = append(req.CertIDs, id)
		}
		c := w.client(client.Config{})
		if _, err := c.Ask(t.Context(), &req, w.ca.Cert, "http://ocsp.example/"); err != nil {
			t.Error(err)
		}
		w.responder.Set(ocsptest.NoSingles)
		if _, err := c.Ask(t.Context(), &req, w.ca.Cert, "http://ocsp.example/"); ocspsvc.ReasonOf(err) != ocspsvc.ReasonWrongCertificate {
			t.Errorf("err = %v", err)
		}
		if _, err := c.Ask(t.Context(), &req, w.ca.Cert); ocspsvc.ReasonOf(err) != ocspsvc.ReasonNoResponder {
			t.Errorf("without a URL: %v", err)
		}
		if _, err := c.Ask(t.Context(), &ocspsvc.Request{}, w.ca.Cert, "http://ocsp.example/"); ocspsvc.ReasonOf(err) != ocspsvc.ReasonMalformed {
			t.Errorf("about nothing: %v", err)
		}
	})
}
