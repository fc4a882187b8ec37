package main

import (
	"crypto/x509"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
)

// verifyArgs judges what the responder says at the moment.
func (h *house) verifyArgs(t *testing.T, more ...string) []string {
	t.Helper()
	file := ocsptest.WriteFile(t, h.dir, "response.der", h.responder.DER(h.leaf))
	return append([]string{"ocsp", "verify", "--cert", h.chain, "--issuer", h.issuer, "--response", file}, more...)
}

func TestVerifyReportsTheReasonOfEveryFault(t *testing.T) {
	h := newHouse(t)
	h.responder.UseLeaf(h.leaf)
	for _, fault := range ocsptest.Faults() {
		switch fault {
		case ocsptest.NonceMismatch, ocsptest.SHA1Signature, ocsptest.Old: // verify sends no nonce and has no bound by itself
			continue
		}
		if fault.OverHTTP() {
			continue
		}
		h.responder.Set(fault)
		expectVerdict(t, string(fault.Reason()), h.verifyArgs(t)...)
	}
}

func TestVerifyMovesItsClock(t *testing.T) {
	h := newHouse(t) // responses of 7 days
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	expectVerdict(t, "good", h.verifyArgs(t, "--at", at(6*24*time.Hour))...)
	expectVerdict(t, "expired", h.verifyArgs(t, "--at", at(8*24*time.Hour))...)
	expectVerdict(t, "not_yet_valid", h.verifyArgs(t, "--at", at(-48*time.Hour))...)
}

func TestVerifyAdvisesWhatItsOwnArgumentsCanDo(t *testing.T) {
	h := newHouse(t)
	h.responder.Set(ocsptest.NoNextUpdate)
	dwaar(t, h.verifyArgs(t)...).expect(t, 1, "or bound its age with --max-age")
	h.issuer = h.roots
	dwaar(t, h.verifyArgs(t)...).expect(t, 1, h.roots+" holds no certificate that issued "+h.chain, "Give the certificate that signed")
}

func TestMaxAgeBoundsAndStandsInForNextUpdate(t *testing.T) {
	h := newHouse(t)
	h.responder.Change(func(s *ocsptest.Settings) { s.Age = 2 * 24 * time.Hour })
	expectVerdict(t, "good", h.verifyArgs(t)...)
	expectVerdict(t, "good", h.verifyArgs(t, "--max-age", "3d")...)
	expectVerdict(t, "too_old", h.verifyArgs(t, "--max-age", "1d")...)
	h.responder.Set(ocsptest.NoNextUpdate)
	expectVerdict(t, "no_next_update", h.verifyArgs(t)...)
	expectVerdict(t, "good", h.verifyArgs(t, "--max-age", "3d")...)
	expectVerdict(t, "too_old", h.verifyArgs(t, "--max-age", "1d12h")...)
}

func TestVerifyTakesTheLeafOfAnyOrderAndDER(t *testing.T) {
	h := newHouse(t)
	h.chain = h.certificates(t, "reversed.pem", h.ca.Root.Cert, h.ca.Cert, h.leaf.Cert)
	h.issuer = h.certificates(t, "several.pem", h.ca.Root.Cert, h.ca.Cert)
	expectVerdict(t, "good", h.verifyArgs(t)...)
	h.chain = ocsptest.WriteFile(t, h.dir, "leaf.der", h.leaf.Cert.Raw)
	expectVerdict(t, "good", h.verifyArgs(t)...)
}

func TestVerifyWantsTheRightIssuer(t *testing.T) {
	h := newHouse(t)
	for name, stranger := range map[string]*x509.Certificate{"twin": h.ca.Twin(t).Cert, "root": h.ca.Root.Cert} {
		h.issuer = h.certificates(t, name, stranger)
		expectVerdict(t, "no_issuer", h.verifyArgs(t)...)
	}
}

func TestVerdictForPeople(t *testing.T) {
	h := newHouse(t)
	dwaar(t, h.verifyArgs(t)...).expect(t, 0, "valid        yes\n", "status       good\n", "there is nothing to do", "next update  20", "responder    CN=")
	h.responder.Set(ocsptest.Revoked)
	r := dwaar(t, h.verifyArgs(t)...)
	r.expect(t, 1, "status             revoked\n", "revocation reason  keyCompromise\n")
	if r.errors != "" {
		t.Errorf("a valid revoked says on stderr %q", r.errors)
	}
	h.responder.Set(ocsptest.Expired)
	dwaar(t, h.verifyArgs(t)...).expect(t, 1, "valid        no\n", "dwaar: expired: ")
}

func TestUnreadableFilesAreNamed(t *testing.T) {
	h := newHouse(t)
	large := ocsptest.WriteFile(t, h.dir, "large", make([]byte, maxFile+1))
	empty := ocsptest.WriteFile(t, h.dir, "empty", nil)
	broken := ocsptest.WriteFile(t, h.dir, "broken", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	for _, c := range []struct{ cert, issuer, response, want string }{
		{in(h.dir, "none"), h.issuer, empty, "none: no such file"},
		{h.chain, empty, empty, "empty: no certificate found"},
		{h.chain, broken, empty, "broken: certificate 1: x509:"},
		{h.chain, h.issuer, large, "large is over 4194304 bytes large"},
		{large, h.issuer, empty, "large is over 4194304 bytes large"},
		{h.dir, h.issuer, empty, "is a directory"},
	} {
		dwaar(t, "ocsp", "verify", "--cert", c.cert, "--issuer", c.issuer, "--response", c.response).expect(t, 1, "dwaar: ", c.want)
	}
}
