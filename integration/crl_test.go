package integration

import (
	"fmt"
	"os"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/crlserver"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/wait"
)

// awaitList waits until the status shows a state and a reason from the CRL of name.
func (h *house) awaitList(promise, name, state, reason string) {
	h.t.Helper()
	wait.Until(h.t, soon, fmt.Sprintf("%s: %s %s (%s) by its CRL", promise, name, state, reason), func() error {
		cert, err := h.Certificate(name)
		if want := (dwaar.CRL{State: state, Reason: reason, URL: cert.CRL.URL, LastError: cert.CRL.LastError}); err == nil && cert.CRL != want {
			err = fmt.Errorf("%+v", cert.CRL)
		}
		return err
	})
}

// awaitOther waits until handshakes show a certificate that is not the old one.
func (h *house) awaitOther(promise, name string, old client.Handshake) client.Handshake {
	h.t.Helper()
	var shown client.Handshake
	wait.Until(h.t, soon, promise+": another certificate for "+name, func() (err error) {
		if shown, err = h.try(name); err == nil && old.Leaf != nil && shown.Leaf.Equal(old.Leaf) {
			err = fmt.Errorf("still serial %x", old.Leaf.SerialNumber)
		}
		return err
	})
	return shown
}

// V3 and V1: a certificate of dwaar's own that is on its CA's list is replaced. Pebble has no
// CRLs; this one's certificates are signed again, with its keys, to name one.
func TestCertificateOnTheCRLIsReplaced(t *testing.T) {
	t.Parallel()
	list := crlserver.New(t)
	r := newRevocable(t, binaries.Race, pebble.Config{CRL: list.URL()})
	list.SignAs(r.CA)
	r.automatic("listed.test", "")
	r.start(r.global(), "crl on")
	old := r.awaitOther("A1", "listed.test", client.Handshake{})
	r.awaitList("V3", "listed.test", "good", "good")

	list.Revoke(old.Leaf)
	next := r.awaitOther("V1", "listed.test", old)
	r.replaced("listed.test", old.Leaf, next.Leaf)
	r.awaitList("V3, the successor", "listed.test", "good", "good")
	if n := len(r.Pebble.Orders()); n != 2 {
		t.Errorf("V1: %d orders, want 2", n)
	}
}

// V3 and V1 while the CA is down: refused, and replaced when it is back.
func TestCertificateOnTheCRLWhileTheCAIsDown(t *testing.T) {
	t.Parallel()
	list := crlserver.New(t)
	r := newRevocable(t, binaries.Race, pebble.Config{CRL: list.URL()})
	list.SignAs(r.CA)
	r.automatic("listed.test", "")
	r.start(r.global(), "crl on")
	old := r.awaitOther("A1", "listed.test", client.Handshake{})
	r.awaitList("V3", "listed.test", "good", "good")

	r.Pebble.Down()
	list.Revoke(old.Leaf)
	wait.Until(t, soon, "V1: the refusal", func() error {
		if _, err := r.try("listed.test"); !hasAlert(err, "unrecognized name") {
			return fmt.Errorf("%v, want an alert", err)
		}
		return nil
	})
	r.awaitRecord("V1", "WARN", "getting a certificate failed", "listed.test")
	r.inQuarantine("listed.test", old.Leaf)
	r.Pebble.Up()
	r.Must("certs", "reissue", "listed.test")
	next := r.awaitOther("V1, the CA is back", "listed.test", old)
	r.replaced("listed.test", old.Leaf, next.Leaf)
}

// V3 and V2: a manual certificate on its CA's list. The files are not touched, on_revoked decides,
// the neighbours notice nothing, and a restart without the list's server remembers.
func TestManualCertificateOnTheCRL(t *testing.T) {
	t.Parallel()
	for policy, served := range map[string]bool{"refuse": false, "serve": true} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			list := crlserver.For(t, h.CA)
			leaf := h.CA.Issue(t, pki.Request{Names: []string{"bad.test"}, CRL: []string{list.URL()}})
			files := h.site(leaf, "")
			h.site(h.CA.Issue(t, pki.Request{Names: []string{"spared.test"}, CRL: []string{list.URL()}}), "")
			h.site(h.leaf("good.test"), "")
			h.start("", "crl on\n\t\ton_revoked "+policy)
			h.awaitList("V3", "bad.test", "good", "good")
			h.revokedIs(true)
			before := must(t)(os.ReadFile(files.Key)).([]byte)

			list.Revoke(leaf.Cert)
			h.awaitList("V2", "bad.test", "revoked", "revoked")
			for range 3 {
				h.revokedIs(served)
			}
			h.awaitRecord("V2", "ERROR", "revoked", "bad.test")
			h.shake("spared.test")
			h.stapled("V2, the neighbour", "good.test")
			if after := must(t)(os.ReadFile(files.Key)).([]byte); string(after) != string(before) {
				t.Error("V2: the operator's key file was touched")
			}
			list.Down()
			for range 2 {
				h.Stop()
				h.Start()
				h.revokedIs(served)
				h.shake("spared.test")
			}
		})
	}
}

// V3: a CRL that cannot be had or believed changes the status and nothing else.
func TestCRLThatIsOfNoUse(t *testing.T) {
	t.Parallel()
	for reason, behave := range map[string]crlserver.Behaviour{
		"unreachable": nil, "malformed": crlserver.Garbage, "bad_signature": crlserver.Impostor, "expired": crlserver.Expired,
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			list := crlserver.For(t, h.CA)
			leaf := h.CA.Issue(t, pki.Request{Names: []string{"calm.test"}, CRL: []string{list.URL()}})
			list.Revoke(leaf.Cert)
			if behave == nil {
				list.Down()
			} else {
				list.Behave(behave)
			}
			h.site(leaf, "")
			h.start("", "crl on")
			h.awaitList("V3", "calm.test", "none", reason)
			h.shake("calm.test")
			h.awaitRecord("V3", "WARN", "reading a CRL failed", reason, list.URL())
			if errors := h.Log.Records("ERROR"); len(errors) != 0 {
				t.Errorf("V3: errors in the log: %v", errors)
			}
		})
	}
}
