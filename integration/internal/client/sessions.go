package client

import (
	"crypto/tls"
	"io"
	"testing"
	"time"
)

// Sessions is a client that keeps its TLS sessions and tries to resume them.
type Sessions struct {
	target Target
	cache  tls.ClientSessionCache
}

// NewSessions returns one that has connected to nothing yet.
func NewSessions(target Target) *Sessions {
	return &Sessions{target: target, cache: tls.NewLRUClientSessionCache(4)}
}

// Try connects, reads an answer so that TLS 1.3 tickets arrive, and says whether the
// session was resumed.
func (s *Sessions) Try() (resumed bool, err error) {
	config := s.target.config()
	config.ClientSessionCache = s.cache
	conn, err := tls.Dial("tcp4", s.target.Addr, config)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+s.target.Name+"\r\nConnection: close\r\n\r\n"); err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, conn)
	return conn.ConnectionState().DidResume, err
}

// MustResume connects twice and fails the test unless the second one resumes: without
// that, a test of what resumption must not do would prove nothing.
func (s *Sessions) MustResume(t testing.TB) {
	t.Helper()
	if _, err := s.Try(); err != nil {
		t.Fatal(err)
	}
	if resumed, err := s.Try(); err != nil || !resumed {
		t.Fatalf("second connection resumed = %v, %v; want a resumed session", resumed, err)
	}
}
