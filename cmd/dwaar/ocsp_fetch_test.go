package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
)

func (h *house) fetchArgs(more ...string) []string {
	return append([]string{"ocsp", "fetch", "--cert", h.chain, "--allow", "127.0.0.0/8"}, more...)
}

func TestFetchWritesOnlyAVerifiedGood(t *testing.T) {
	h := newHouse(t)
	out := in(h.dir, "leaf.ocsp")
	expectVerdict(t, "good", h.fetchArgs("--out", out)...)
	good := readFile(t, out)
	if good == "" || good[0] != 0x30 {
		t.Fatalf("written: %.20q, want DER", good)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode = %v, %v; want 0644, for the other server", info.Mode(), err)
	}
	for _, fault := range []ocsptest.Fault{ocsptest.Revoked, ocsptest.Unknown, ocsptest.HTTP500, ocsptest.Garbage, ocsptest.Expired, ocsptest.WrongSigner, ocsptest.NoNextUpdate, ocsptest.TryLater} {
		h.responder.Set(fault)
		expectVerdict(t, string(fault.Reason()), h.fetchArgs("--out", out)...)
		if now := readFile(t, out); now != good {
			t.Errorf("after %s the old file did not stay", fault)
		}
	}
	if left, _ := filepath.Glob(in(h.dir, ".*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestFetchKeepsTheModeOfTheFileItReplaces(t *testing.T) {
	h := newHouse(t)
	out := ocsptest.WriteFile(t, h.dir, "leaf.ocsp", nil)
	if err := os.Chmod(out, 0o640); err != nil {
		t.Fatal(err)
	}
	dwaar(t, h.fetchArgs("--out", out)...).expect(t, 0, "written to "+out)
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o640 || info.Size() == 0 {
		t.Errorf("after the fetch: %v, %v", info, err)
	}
}

func TestFetchSaysWhereItCannotWrite(t *testing.T) {
	h := newHouse(t)
	out := in(h.dir, "missing/leaf.ocsp")
	dwaar(t, h.fetchArgs("--out", out)...).expect(t, 1, "dwaar: writing "+out+": ")
	out = in(h.dir, "directory")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	dwaar(t, h.fetchArgs("--out", out)...).expect(t, 1, "dwaar: writing "+out+": ")
	if left, _ := filepath.Glob(in(h.dir, ".*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestFetchIsGuarded(t *testing.T) {
	h := newHouse(t)
	args := []string{"ocsp", "fetch", "--cert", h.chain}
	expectVerdict(t, "blocked_address", args...)
	dwaar(t, args...).expect(t, 1, "127.0.0.1", "allow") // N4
	expectVerdict(t, "blocked_address", append(args, "--url", h.url)...)
	if h.responder.Count() != 0 {
		t.Errorf("the responder was asked %d times", h.responder.Count())
	}
	dwaar(t, append(args, "--allow", "10.0.0.0/33")...).expect(t, 2, "dwaar: ", "10.0.0.0/33")
}

func TestFetchWithIssuerAndURLGivenByHand(t *testing.T) {
	h := newHouse(t)
	bare := h.ca.Leaf(t)
	h.chain = h.certificates(t, "bare.pem", bare.Cert)
	expectVerdict(t, "no_responder", h.fetchArgs("--issuer", h.issuer)...)
	expectVerdict(t, "no_issuer", h.fetchArgs("--url", h.url)...)
	expectVerdict(t, "no_issuer", h.fetchArgs("--url", h.url, "--issuer", h.roots)...)
	expectVerdict(t, "good", h.fetchArgs("--url", h.url, "--issuer", h.issuer)...)
	dwaar(t, h.fetchArgs("--url", h.url, "--issuer", h.issuer)...).expect(t, 0, "asked        "+h.url)
	dwaar(t, h.fetchArgs("--issuer", in(h.dir, "none"))...).expect(t, 1, "none: no such file")
	dwaar(t, "ocsp", "fetch", "--cert", in(h.dir, "none")).expect(t, 1, "none: no such file")
}

func TestFetchSaysWhichArgumentIsWrong(t *testing.T) {
	h := newHouse(t)
	h.chain = h.certificates(t, "alone.pem", h.leaf.Cert)
	dwaar(t, h.fetchArgs("--issuer", h.roots)...).expect(t, 1, h.roots+" holds no certificate that issued "+h.chain, "Give the certificate that signed")
	dwaar(t, h.fetchArgs("--issuer", h.issuer, "--url", "ftp://127.0.0.1")...).expect(t, 1, "Write the responder as http:// or https://")
	dwaar(t, h.fetchArgs("--issuer", h.issuer, "--url", "127.0.0.1:80")...).expect(t, 1, "Write the responder as http:// or https://")
}

func TestFetchOfACertificateWithoutNamesShowsItsSubjectAlone(t *testing.T) {
	h := newHouse(t)
	h.chain = h.certificates(t, "ca.pem", h.ca.Cert)
	dwaar(t, h.fetchArgs()...).expect(t, 1, "certificate  "+h.ca.Cert.Subject.String()+"\n")
}

func TestFetchOfASelfSignedCertificate(t *testing.T) {
	h := newHouse(t)
	h.chain = h.certificates(t, "self.pem", ocsptest.SelfSigned(t, ocsptest.OCSP(h.url)).Cert)
	expectVerdict(t, "self_signed", h.fetchArgs()...)
	expectVerdict(t, "self_signed", h.fetchArgs("--issuer", h.issuer)...)
}

func TestFetchPrintsOneJSONObject(t *testing.T) {
	h := newHouse(t)
	r := dwaar(t, h.fetchArgs("--json", "--out", in(h.dir, "o"))...)
	if r.code != 0 || !strings.HasPrefix(r.out, "{") || !strings.HasSuffix(r.out, "}\n") || r.errors != "" {
		t.Errorf("fetch --json: %d %s%s", r.code, r.out, r.errors)
	}
}
