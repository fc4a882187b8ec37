package tlsstore_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"dwaar/tlsstore"
)

// unrecognizedName is the alert of every refusal (RFC 6066 §3).
const unrecognizedName = "remote error: tls: unrecognized name"

func fingerprint(der []byte) tlsstore.Fingerprint { return sha256.Sum256(der) }

// client is what a test connects with.
type client struct {
	sni     string
	local   string // address it connects to
	version uint16 // 0: the newest
	cache   tls.ClientSessionCache
	suites  []uint16
	protos  []string // ALPN; nil: those of HTTP
}

var versions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// connect makes a real handshake with a listener of the store and returns the client's side
// of it, or its error.
func (c client) connect(t testing.TB, config *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	return c.dial(config)
}

func (c client) dial(config *tls.Config) (tls.ConnectionState, error) {
	near, far := net.Pipe()
	defer near.Close()
	local := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 443)
	if c.local != "" {
		local = netip.AddrPortFrom(netip.MustParseAddr(c.local), 443)
	}
	served := make(chan error, 1)
	go func() { served <- serve(tls.Server(localConn{far, net.TCPAddrFromAddrPort(local)}, config)) }()
	protos := c.protos
	if protos == nil {
		protos = []string{"h2", "http/1.1"}
	}
	conn := tls.Client(near, &tls.Config{
		ServerName: c.sni, InsecureSkipVerify: true, // the test compares the leaf itself
		MaxVersion: c.version, ClientSessionCache: c.cache, CipherSuites: c.suites,
		NextProtos: protos,
	})
	_, err := conn.Read(make([]byte, 1)) // a byte of data comes after the session ticket
	if err != nil {
		near.Close()
		<-served
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), <-served
}

// serve finishes a handshake, sends one byte and closes.
func serve(conn *tls.Conn) error {
	defer conn.NetConn().Close()
	_, err := conn.Write([]byte{'x'})
	return err
}

// shown returns the leaf and the staple of a handshake that must work.
func shown(t testing.TB, s *tlsstore.Store, sni string) (leaf *x509.Certificate, staple []byte) {
	t.Helper()
	return client{sni: sni}.shown(t, s)
}

func (c client) shown(t testing.TB, s *tlsstore.Store) (leaf *x509.Certificate, staple []byte) {
	t.Helper()
	cs, err := c.connect(t, s.TLSConfig(":443", nil))
	if err != nil {
		t.Fatalf("handshake for %q: %v", c.sni, err)
	}
	return cs.PeerCertificates[0], cs.OCSPResponse
}

// refused fails the test unless the handshake ends in unrecognized_name.
func (c client) refused(t testing.TB, s *tlsstore.Store) {
	t.Helper()
	cs, err := c.connect(t, s.TLSConfig(":443", nil))
	if err == nil {
		t.Errorf("handshake for %q (resumed: %v) succeeded, want a refusal", c.sni, cs.DidResume)
		return
	}
	if err.Error() != unrecognizedName {
		t.Errorf("handshake for %q: %v, want %s", c.sni, err, unrecognizedName)
	}
}

// ofLeaf returns an error unless a staple made by issued.staple is of the leaf.
func ofLeaf(cs tls.ConnectionState) error {
	leaf := fingerprint(cs.PeerCertificates[0].Raw)
	if len(cs.OCSPResponse) > 0 && !bytes.HasPrefix(cs.OCSPResponse, leaf[:]) {
		return fmt.Errorf("leaf %v carries the staple of %x", leaf, cs.OCSPResponse[:8])
	}
	return nil
}

// choose does what a handshake does up to its certificate, for a hello with these extensions.
func choose(t testing.TB, s *tlsstore.Store, sni string, extensions ...uint16) *tls.Certificate {
	t.Helper()
	hello := &tls.ClientHelloInfo{ServerName: sni, Extensions: extensions}
	config, err := s.TLSConfig(":443", nil).GetConfigForClient(hello)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := config.GetCertificate(hello)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
