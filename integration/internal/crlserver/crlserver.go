// Package crlserver publishes the CRL of a CA the way a web server does, and badly if a test
// wants that.
package crlserver

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/wait"
)

// Server publishes one CRL. It is signed anew for every reading, and short-lived, so that it is
// read again soon.
type Server struct {
	Lifetime time.Duration // of each list

	t         testing.TB
	addr      string
	server    *http.Server
	behaviour atomic.Pointer[Behaviour]

	mu      sync.Mutex // guards the rest
	issuer  *pki.Authority
	revoked []x509.RevocationListEntry
	number  int64
}

// Behaviour writes one answer.
type Behaviour func(s *Server, w http.ResponseWriter)

// New starts a server whose lists hold for four seconds. It answers 503 until it knows whose they are.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{Lifetime: 4 * time.Second, t: t, addr: fmt.Sprintf("127.0.0.1:%d", wait.Port(t))}
	s.Behave(Whole)
	s.Up()
	t.Cleanup(s.Down)
	return s
}

// For is New for an issuer that is there already.
func For(t testing.TB, issuer *pki.Authority) *Server {
	t.Helper()
	s := New(t)
	s.SignAs(issuer)
	return s
}

// SignAs says whose list it is.
func (s *Server) SignAs(issuer *pki.Authority) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuer = issuer
}

// URL is what belongs into the CRL distribution point of a leaf.
func (s *Server) URL() string { return "http://" + s.addr + "/ca.crl" }

// Behave switches the behaviour for the readings to come.
func (s *Server) Behave(b Behaviour) { s.behaviour.Store(&b) }

// Revoke puts a certificate on the list, keyCompromise an hour ago.
func (s *Server) Revoke(leaf *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = append(s.revoked, x509.RevocationListEntry{
		SerialNumber: leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Hour), ReasonCode: 1,
	})
}

// Down closes the listener and every connection: the next dial is refused.
func (s *Server) Down() {
	if s.server != nil {
		_ = s.server.Close()
		s.server = nil
	}
}

// Up listens again on the address it had.
func (s *Server) Up() {
	s.t.Helper()
	l, err := net.Listen("tcp4", s.addr)
	if err != nil {
		s.t.Fatalf("crlserver: %v", err)
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(l) }(s.server)
}

// ServeHTTP hands a reading to the behaviour.
func (s *Server) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	(*s.behaviour.Load())(s, w)
}

// Whole is the list as it should be.
func Whole(s *Server, w http.ResponseWriter) { s.publish(w, s.signer(), time.Now()) }

// Impostor is the list signed by another key, under the issuer's name.
func Impostor(s *Server, w http.ResponseWriter) {
	signer := *s.signer()
	signer.Key = pki.New(s.t, "Impostor").Key
	cert := *signer.Cert
	cert.PublicKey = signer.Key.Public()
	signer.Cert = &cert
	s.publish(w, &signer, time.Now())
}

// Expired is a list that has ended.
func Expired(s *Server, w http.ResponseWriter) {
	s.publish(w, s.signer(), time.Now().Add(-time.Hour))
}

// Garbage is no list.
func Garbage(_ *Server, w http.ResponseWriter) { _, _ = w.Write([]byte("<html>not found</html>")) }

func (s *Server) signer() *pki.Authority {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issuer
}

func (s *Server) publish(w http.ResponseWriter, signer *pki.Authority, now time.Time) {
	if signer == nil {
		http.Error(w, "no list yet", http.StatusServiceUnavailable)
		return
	}
	s.mu.Lock()
	s.number++
	template := &x509.RevocationList{
		Number: big.NewInt(s.number), ThisUpdate: now, NextUpdate: now.Add(s.Lifetime),
		RevokedCertificateEntries: append([]x509.RevocationListEntry(nil), s.revoked...),
	}
	s.mu.Unlock()
	der, err := x509.CreateRevocationList(rand.Reader, template, signer.Cert, signer.Key)
	if err != nil {
		s.t.Errorf("crlserver: %v", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/pkix-crl")
	_, _ = w.Write(der)
}
