package relay_test

import (
	"context"
	"crypto/x509"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

// relayed is what clients may get to see of a responder with a fault, if there is
// nothing else.
func relayed(fault ocsptest.Fault) []string {
	switch fault {
	case ocsptest.Unauthorized:
		return []string{"unauthorized"}
	case ocsptest.NoNextUpdate, ocsptest.ProducedTooEarly, ocsptest.Old: // believed without the leaf and without max_age
		return []string{"good"}
	case ocsptest.NonceMismatch: // nobody sent any
		return []string{"good", "tryLater"}
	}
	switch reason := fault.Reason(); reason {
	case ocspsvc.ReasonGood, ocspsvc.ReasonRevoked, ocspsvc.ReasonUnknown:
		return []string{string(reason)}
	}
	return []string{"tryLater"}
}

// Whatever the responder does: what does not verify is neither relayed, kept nor
// stored, and nobody waits for longer than Timeout.
func TestNoResponderPoisonsTheRelay(t *testing.T) {
	for _, fault := range ocsptest.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				leaf := d.ca.Leaf(t)
				d.responder.UseLeaf(leaf)
				d.responder.Set(fault)
				begun := time.Now()
				got := d.ask(leaf) // fails the test for what does not verify
				if !slices.Contains(relayed(fault), got) {
					t.Errorf("answer = %q, want %q", got, relayed(fault))
				}
				if took := time.Since(begun); took > relay.DefaultTimeout {
					t.Errorf("it took %v", took)
				}
				synctest.Wait()
				lasting := got == "revoked" || got == "good" && fault != ocsptest.NoNextUpdate
				if stored := len(d.disk.keys()); stored > 0 != lasting {
					t.Errorf("%d answers are stored", stored)
				}
			})
		})
	}
}

// What is there is served through everything but a verified revocation.
func TestNoResponderDisplacesAGoodAnswer(t *testing.T) {
	for _, fault := range ocsptest.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				leaf := d.ca.Leaf(t)
				d.want("before", leaf, "good", 1)
				d.responder.UseLeaf(leaf)
				d.responder.Set(fault)
				time.Sleep(day + time.Hour)
				want := "good"
				if fault.Reason() == ocspsvc.ReasonRevoked {
					want = "revoked"
				}
				if got := d.ask(leaf); got != want {
					t.Errorf("answer = %q, want %q", got, want)
				}
				if d.responder.Count() < 2 {
					t.Error("the responder was not asked again")
				}
			})
		})
	}
}

// credulous is an Asker that hands on whatever it gets.
type credulous struct{ responder *ocsptest.Responder }

func (c credulous) Ask(ctx context.Context, req *ocspsvc.Request, _ *x509.Certificate, _ ...string) (*ocspsvc.Response, error) {
	return c.responder.Respond(ctx, req)
}

// The relay believes nobody, not even who asks for it.
func TestTheRelayVerifiesWhatItIsHanded(t *testing.T) {
	for _, fault := range ocsptest.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.asker = credulous{d.responder}
				d.open()
				leaf := d.ca.Leaf(t)
				d.responder.UseLeaf(leaf)
				d.responder.Set(fault)
				want := relayed(fault)
				if fault == ocsptest.Unauthorized { // unsigned, and handed on as if it were an answer
					want = []string{"tryLater"}
				}
				if got := d.ask(leaf); !slices.Contains(want, got) {
					t.Errorf("answer = %q, want %q", got, want)
				}
				req, response, word := d.withNonce(leaf)
				if word == "tryLater" {
					return
				}
				o := ocspsvc.VerifyOptions{Nonce: req.Nonce, AllowNoNextUpdate: true}
				if _, err := ocspsvc.VerifyID(response, req.CertIDs[0], d.ca.Cert, now(), o); err != nil {
					t.Errorf("with a nonce %q was passed on: %v", word, err)
				}
			})
		})
	}
}

func TestARedirectToAPrivateAddressIsNotFollowed(t *testing.T) {
	for _, location := range []string{"http://169.254.169.254/", "http://127.0.0.1:2019/", "http://metadata.example/", "http://[::1]/", "ftp://ocsp.example/"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.Name("metadata.example", "10.0.0.1")
			d.responder.Change(func(s *ocsptest.Settings) { s.Fault, s.Location = ocsptest.Redirect, location })
			if got := d.ask(d.ca.Leaf(t)); got != "tryLater" {
				t.Errorf("%s: answer = %q", location, got)
			}
			for _, dialled := range d.Dials() {
				if dialled != "8.8.8.8:80" {
					t.Errorf("%s: dialled %s", location, dialled)
				}
			}
		})
	}
}

// A responder that hangs delays no other issuer's certificates.
func TestAHangingResponderDelaysOnlyItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		slow := ocsptest.NewCA(t, ocsptest.Name("slow"))
		hanging := ocsptest.NewResponder(t, slow)
		hanging.Set(ocsptest.Hang)
		d.Name("slow.example", "9.9.9.9")
		d.Serve("9.9.9.9:80", hanging)
		d.cfg.Issuers = append(d.cfg.Issuers, issuer(d.file("slow.pem", ocsptest.CertPEM(slow.Cert)), "http://slow.example/"))
		d.open()
		for range 100 {
			leaf := slow.Leaf(t)
			go d.ask(leaf)
		}
		synctest.Wait()
		begun := time.Now()
		d.want("the other's", d.ca.Leaf(t), "good", 1)
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v", took)
		}
		if n := hanging.Count(); n > 4 {
			t.Errorf("%d requests at once", n)
		}
		time.Sleep(time.Minute)
	})
}

// Who asks for serials that he made up costs the responder a few requests at a
// time, and nobody's answer its place.
func TestMadeUpSerialsPushNothingOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Limits.Entries = 10
		d.open()
		leaf := d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		d.responder.Set(ocsptest.Unknown)
		for serial := range int64(50) {
			d.ask(d.ca.Leaf(t, ocsptest.Serial(serial+1)))
		}
		d.want("after", leaf, "good", 1)
	})
}
