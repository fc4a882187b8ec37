package main

import (
	"net"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
)

// server serves the house's leaf, stapled with what the responder says now.
func (h *house) server(t *testing.T) string {
	t.Helper()
	cert := h.leaf.TLS()
	cert.OCSPStaple = h.responder.DER(h.leaf)
	return serveTLS(t, cert)
}

func TestCheckJudgesChainAndStaple(t *testing.T) {
	h := newHouse(t)
	good := h.server(t)
	expectVerdict(t, "good", "ocsp", "check", good, "--ca", h.roots)
	expectVerdict(t, "good", "ocsp", "check", good, "--ca", h.roots, "--servername", "localhost")
	for _, fault := range []ocsptest.Fault{ocsptest.Revoked, ocsptest.Unknown, ocsptest.Expired, ocsptest.WrongSerial, ocsptest.WrongSigner, ocsptest.LeafSigner, ocsptest.TryLater, ocsptest.Garbage, ocsptest.NoNextUpdate} {
		h.responder.Set(fault)
		expectVerdict(t, string(fault.Reason()), "ocsp", "check", h.server(t), "--ca", h.roots)
	}
}

func TestCheckRefusesAChainNobodyVouchesFor(t *testing.T) {
	h := newHouse(t)
	addr := h.server(t)
	expectVerdict(t, "no_issuer", "ocsp", "check", addr)
	expectVerdict(t, "no_issuer", "ocsp", "check", addr, "--ca", h.certificates(t, "other.pem", ocsptest.NewCA(t).Root.Cert))
	dwaar(t, "ocsp", "check", addr, "--ca", h.roots, "--servername", "other.example").expect(t, 1, "the chain is not valid: x509: certificate is valid for")
	h.leaf = h.ca.Leaf(t, ocsptest.OCSP(h.url), ocsptest.Validity(-48*time.Hour, -time.Hour))
	dwaar(t, "ocsp", "check", serveTLS(t, h.leaf.TLS()), "--ca", h.roots).expect(t, 1, "certificate has expired")
}

func TestCheckTellsWhyThereIsNoStaple(t *testing.T) {
	h := newHouse(t, ocsptest.MustStaple())
	expectVerdict(t, "pending", "ocsp", "check", serveTLS(t, h.leaf.TLS()), "--ca", h.roots)
	dwaar(t, "ocsp", "check", serveTLS(t, h.leaf.TLS()), "--ca", h.roots).expect(t, 1,
		"dwaar: pending: the server sent no staple, though its certificate demands one", "must-staple  yes", "staple       0 bytes")
	for name, opts := range map[string][]ocsptest.Option{
		"no URL": nil, "noRevAvail": {ocsptest.OCSP(h.url), ocsptest.NoRevAvail()},
	} {
		bare := h.ca.Leaf(t, opts...)
		expectVerdict(t, "no_responder", "ocsp", "check", serveTLS(t, bare.TLS()), "--ca", h.roots)
		if t.Failed() {
			t.Log(name)
		}
	}
}

func TestCheckOfATrustedSelfSignedCertificate(t *testing.T) {
	h := newHouse(t)
	self := ocsptest.SelfSigned(t, ocsptest.OCSP(h.url))
	cert := self.TLS()
	cert.OCSPStaple = h.responder.DER(h.leaf)
	expectVerdict(t, "self_signed", "ocsp", "check", serveTLS(t, cert), "--ca", h.certificates(t, "self.pem", self.Cert))
}

func TestCheckOfAServerThatCannotBeReached(t *testing.T) {
	h := newHouse(t)
	expectVerdict(t, "unreachable", "ocsp", "check", freePort(t), "--ca", h.roots)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	go func() {
		for {
			conn, err := plain.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
			_ = conn.Close()
		}
	}()
	expectVerdict(t, "unreachable", "ocsp", "check", plain.Addr().String(), "--ca", h.roots)
	dwaar(t, "ocsp", "check", plain.Addr().String(), "--ca", in(h.dir, "none")).expect(t, 1, "none: no such file")
}

func TestCheckAdvisesAboutTheServerAndNotAboutAResponder(t *testing.T) {
	h := newHouse(t)
	dwaar(t, "ocsp", "check", freePort(t), "--ca", h.roots).expect(t, 1, "No TLS handshake with the server came about")
	dwaar(t, "ocsp", "check", h.server(t)).expect(t, 1, "A strict client refuses the server's chain")
}

func TestCheckOfAMisspelledFileSaysThatThereIsNone(t *testing.T) {
	if err := unreachable("chian.pem:443", &net.DNSError{Err: "no such host", IsNotFound: true}); !strings.Contains(err.Error(), "no such host, and no file of that name either") {
		t.Errorf("says only: %v", err)
	}
}

func TestCheckOfAFileAsksItsResponder(t *testing.T) {
	h := newHouse(t)
	expectVerdict(t, "good", "ocsp", "check", h.chain, "--allow", "127.0.0.1")
	expectVerdict(t, "blocked_address", "ocsp", "check", h.chain)
	h.responder.Set(ocsptest.Revoked)
	expectVerdict(t, "revoked", "ocsp", "check", h.chain, "--allow", "127.0.0.1")
	h.responder.Set(ocsptest.Good)
	alone := h.certificates(t, "alone.pem", h.leaf.Cert)
	expectVerdict(t, "no_issuer", "ocsp", "check", alone, "--allow", "127.0.0.1")
	expectVerdict(t, "good", "ocsp", "check", alone, "--allow", "127.0.0.1", "--ca", h.issuer)
	dwaar(t, "ocsp", "check", h.chain, "--servername", "x").expect(t, 2, "--servername is for a server")
}
