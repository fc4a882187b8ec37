package relay_test

import (
	"context"
	"crypto"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

var nonce = []byte("0123456789abcdef0123456789abcdef")

func (d *desk) withNonce(leaf *ocsptest.Leaf) (*ocspsvc.Request, *ocspsvc.Response, string) {
	d.t.Helper()
	req := &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}, Nonce: nonce}
	response, err := d.relay.Respond(d.t.Context(), req)
	return req, response, d.word(req, response, err)
}

func TestARequestWithANonceIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		for range 3 {
			_, response, word := d.withNonce(leaf)
			if word != "good" || string(response.Nonce) != string(nonce) {
				t.Errorf("answer = %q, nonce %x", word, response.Nonce)
			}
		}
		if n := d.responder.Count(); n != 3 || len(d.disk.keys()) != 0 || d.count("answers") != 0 {
			t.Errorf("%d requests, %d stored, %v kept", n, len(d.disk.keys()), d.count("answers"))
		}
		d.want("without a nonce", leaf, "good", 4)
	})
}

func TestARequestAboutSeveralIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		one, two := d.ca.Leaf(t), d.ca.Leaf(t)
		d.responder.SetFor(two, ocsptest.Good)
		for range 2 {
			if got := d.ask(one, two); got != "good" {
				t.Errorf("answer = %q", got)
			}
		}
		if n := d.responder.Count(); n != 2 || d.count("answers") != 0 {
			t.Errorf("%d requests, %v kept", n, d.count("answers"))
		}
		if got := d.ask(one, ocsptest.NewCA(t).Leaf(t)); got != "not ours" {
			t.Errorf("with one of another issuer: %q", got)
		}
	})
}

// Only one of two responders may answer, and it knows nothing of the other's.
func TestARequestAboutTwoIssuersIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := ocsptest.NewCA(t, ocsptest.Name("other"))
		d.cfg.Issuers = append(d.cfg.Issuers, issuer(d.file("other.pem", ocsptest.CertPEM(other.Cert)), "http://ocsp.example/"))
		d.open()
		if got := d.ask(d.ca.Leaf(t), other.Leaf(t)); got != "not ours" || d.responder.Count() != 0 {
			t.Errorf("answer = %q, %d requests", got, d.responder.Count())
		}
	})
}

// A nonce cannot be had in an outage; the answer without it is better than none.
func TestInAnOutageTheAnswerHasNoNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf, other := d.ca.Leaf(t), d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		d.down()
		if _, response, word := d.withNonce(leaf); word != "good" || response.Nonce != nil {
			t.Errorf("answer = %q", word)
		}
		for range 2 {
			if _, _, word := d.withNonce(other); word != "tryLater" {
				t.Errorf("of another one: %q", word)
			}
		}
	})
}

func TestABadAnswerIsNotPassedOn(t *testing.T) {
	for _, fault := range ocsptest.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				leaf := d.ca.Leaf(t)
				d.responder.UseLeaf(leaf)
				d.responder.Set(fault)
				begun := time.Now()
				req, response, word := d.withNonce(leaf)
				if word == "good" || word == "revoked" || word == "unknown" {
					o := ocspsvc.VerifyOptions{Nonce: req.Nonce, AllowNoNextUpdate: true}
					if _, err := ocspsvc.VerifyID(response, req.CertIDs[0], d.ca.Cert, now(), o); err != nil {
						t.Errorf("passed on: %v", err)
					}
				} else if word != "tryLater" && word != "unauthorized" {
					t.Errorf("answer = %q", word)
				}
				if took := time.Since(begun); took > relay.DefaultTimeout {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestPassingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Limits.Passing = 5
		d.open()
		d.responder.Change(func(s *ocsptest.Settings) { s.Delay = time.Second })
		var askers sync.WaitGroup
		for range 20 {
			leaf := d.ca.Leaf(t)
			askers.Go(func() { d.withNonce(leaf) })
		}
		askers.Wait()
		if n := d.responder.Count(); n != 5 || d.count("misses_total", "full") != 15 {
			t.Errorf("%d requests", n)
		}
	})
}

// A client that leaves says nothing about the responder, not even as its probe.
func TestAClientThatLeavesBlamesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.down()
		d.ask(leaf)
		time.Sleep(time.Minute)
		d.up()
		d.responder.Change(func(s *ocsptest.Settings) { s.Delay = 2 * time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req := &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}, Nonce: nonce}
		if _, err := d.relay.Respond(ctx, req); err == nil {
			t.Error("an answer before its time")
		}
		if got := d.ask(leaf); got != "good" {
			t.Errorf("who comes next: %q", got)
		}
	})
}

// Who sends a nonce may be the first to hear of a revocation; the others hear of it
// from then on, and after a restart.
func TestARevocationThatWasPassedOnIsKnownToAll(t *testing.T) {
	for _, several := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			leaf, other := d.ca.Leaf(t), d.ca.Leaf(t)
			d.want("before", leaf, "good", 1)
			time.Sleep(5 * time.Second) // it is looked for what is due every 10 s
			d.responder.SetFor(leaf, ocsptest.Revoked)
			word := ""
			if several {
				word = d.ask(leaf, other)
			} else {
				_, _, word = d.withNonce(leaf)
			}
			if !strings.HasPrefix(word, "revoked") || d.ask(leaf) != "revoked" {
				t.Errorf("it is %q to who asked, and %q to the next", word, d.ask(leaf))
			}
			synctest.Wait()
			d.down()
			d.open()
			d.want("after a restart with the responder dead", leaf, "revoked", d.responder.CountFor(leaf))
			d.up()
			time.Sleep(2 * time.Minute)
			d.want("later", leaf, "revoked", d.responder.CountFor(leaf))
			if n := d.count("answers"); n != 1 {
				t.Errorf("%v answers are kept; nobody asked for the other", n)
			}
		})
	}
}

// A plain answer takes the place of one with somebody's nonce within seconds.
func TestAnOverheardAnswerIsSoonReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		time.Sleep(time.Minute)
		d.responder.Set(ocsptest.Revoked)
		d.withNonce(leaf)
		time.Sleep(15 * time.Second)
		response, err := d.relay.Respond(t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}})
		if err != nil || response.Nonce != nil || d.responder.Count() != 3 {
			t.Errorf("%v, nonce %x, %d requests", err, response.Nonce, d.responder.Count())
		}
	})
}

// What is kept is what one certificate takes, and not as much as somebody asked for at once.
func TestAnOverheardAnswerAboutManyIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		time.Sleep(5 * time.Second) // it is looked for what is due every 10 s
		d.responder.SetFor(leaf, ocsptest.Revoked)
		many := []*ocsptest.Leaf{leaf}
		for range 8 {
			many = append(many, d.ca.Leaf(t))
		}
		d.ask(many...)
		d.want("until a plain one is there", leaf, "good", d.responder.CountFor(leaf))
		time.Sleep(15 * time.Second)
		response, err := d.relay.Respond(t.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}})
		if err != nil || len(response.Singles) != 1 || response.Singles[0].Status != ocspsvc.Revoked {
			t.Errorf("%v, %d certificates, the first %v", err, len(response.Singles), response.Singles[0].Status)
		}
	})
}
