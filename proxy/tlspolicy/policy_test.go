package tlspolicy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/tlspolicy"
)

func TestWhatCannotWorkIsRefused(t *testing.T) {
	const gcm, cbc = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"
	for _, c := range []struct {
		config tlspolicy.Config
		want   string // "" for fine
	}{
		{tlspolicy.Config{}, ""},
		{tlspolicy.Config{MinVersion: "tls1.2", MaxVersion: "tls1.2"}, ""},
		{tlspolicy.Config{MinVersion: "tls1.0"}, "not tls1.2 or tls1.3"},
		{tlspolicy.Config{MinVersion: "tls1.3", MaxVersion: "tls1.2"}, "higher"},
		{tlspolicy.Config{Ciphers: []string{gcm}}, ""},
		{tlspolicy.Config{Ciphers: []string{gcm, cbc}}, ""},
		{tlspolicy.Config{Ciphers: []string{cbc}}, "HTTP/2 allows none"},
		{tlspolicy.Config{Ciphers: []string{cbc}, ALPN: []string{"http/1.1"}}, ""},
		{tlspolicy.Config{Ciphers: []string{gcm, gcm}}, "twice"},
		{tlspolicy.Config{Ciphers: []string{gcm}, MinVersion: "tls1.3"}, "begins at tls1.3"},
		{tlspolicy.Config{Curves: []string{"x25519", "x25519"}}, "twice"},
		{tlspolicy.Config{ALPN: []string{"h2", "h2"}}, "twice"},
		{tlspolicy.Config{ALPN: []string{"spdy"}}, "not h3"},
		{tlspolicy.Config{ALPN: []string{"h3"}}, "alone"},
		{tlspolicy.Config{ALPN: []string{"h3", "h2"}, MaxVersion: "tls1.2"}, "ends at tls1.2"},
		{tlspolicy.Config{ClientAuth: &tlspolicy.ClientAuth{}}, "trust_pool"},
		{tlspolicy.Config{ClientAuth: &tlspolicy.ClientAuth{Mode: "require"}}, ""},
		{tlspolicy.Config{ClientAuth: &tlspolicy.ClientAuth{Mode: "require", TrustPool: []string{"x"}}}, "would do nothing"},
		{tlspolicy.Config{ClientAuth: &tlspolicy.ClientAuth{Mode: "sometimes"}}, "sometimes"},
	} {
		err := c.config.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".not.there"} {
		if _, err := (tlspolicy.Config{ClientAuth: &tlspolicy.ClientAuth{TrustPool: []string{file}}}).Compile(); err == nil {
			t.Errorf("%s is a trust pool", file)
		}
	}
}

// pair is a self-signed certificate, good for a server and as its own CA.
func pair(t *testing.T) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a.test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// handshake connects over a loopback socket, so that a client is sent its tickets.
func handshake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		secured := tls.Server(conn, server)
		if secured.Handshake() == nil {
			_, _ = secured.Write([]byte("x"))
		}
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), nil
}

func compile(t *testing.T, c tlspolicy.Config) *tlspolicy.Policy {
	t.Helper()
	p, err := c.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A session that one policy has let in must not be a way into another: the keys of tickets
// are shared by all sites of a server.
func TestTicketsAreOfOnePolicy(t *testing.T) {
	cert, file := pair(t)
	_, otherFile := pair(t)
	auth := func(mode string, files ...string) *tlspolicy.ClientAuth {
		return &tlspolicy.ClientAuth{Mode: mode, TrustPool: files}
	}
	keys := new(tls.Config)
	base := &tls.Config{Certificates: []tls.Certificate{cert}, WrapSession: keys.EncryptTicket, UnwrapSession: keys.DecryptTicket}
	open := compile(t, tlspolicy.Config{})
	optional := compile(t, tlspolicy.Config{ClientAuth: auth("request")})
	given := compile(t, tlspolicy.Config{ClientAuth: auth("verify_if_given", file)})
	own := compile(t, tlspolicy.Config{ClientAuth: auth("", file)})
	other := compile(t, tlspolicy.Config{ClientAuth: auth("", otherFile)})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			name      string
			from, to  *tls.Config
			lets, may bool // whether the second handshake succeeds, and may be a resumption
		}{
			{"the same", own.Apply(base), own.Apply(base), true, true},
			{"the same after a reload", own.Apply(base), compile(t, tlspolicy.Config{ClientAuth: auth("require_and_verify", file)}).Apply(base), true, true},
			{"from open", open.Apply(base), own.Apply(base), true, false},
			{"from nowhere", base, own.Apply(base), true, false},
			{"from optional", optional.Apply(base), own.Apply(base), true, false},
			{"from optional to given", optional.Apply(base), given.Apply(base), true, false},
			{"to other curves", own.Apply(base), compile(t, tlspolicy.Config{ClientAuth: auth("", file), Curves: []string{"x25519"}}).Apply(base), true, false},
			{"to another CA", own.Apply(base), other.Apply(base), false, false},
			{"without keys of its own", own.Apply(&tls.Config{Certificates: base.Certificates}), own.Apply(base), true, false},
		} {
			client := &tls.Config{InsecureSkipVerify: true, ServerName: "a.test", MaxVersion: version,
				ClientSessionCache: tls.NewLRUClientSessionCache(1), Certificates: []tls.Certificate{cert}}
			if state, err := handshake(t, c.from, client); err != nil || state.DidResume {
				t.Fatalf("%s: %v", c.name, err)
			}
			state, err := handshake(t, c.to, client)
			if (err == nil) != c.lets || state.DidResume != c.may {
				t.Errorf("%x, %s: resumed %v, %v", version, c.name, state.DidResume, err)
			}
		}
	}
}

func TestHandshakesAreAsThePolicySays(t *testing.T) {
	cert, _ := pair(t)
	base := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	const suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	old := compile(t, tlspolicy.Config{MaxVersion: "tls1.2", Ciphers: []string{suite}, Curves: []string{"secp384r1"}, ALPN: []string{"http/1.1"}}).Apply(base)
	state, err := handshake(t, old, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil || state.Version != tls.VersionTLS12 || tls.CipherSuiteName(state.CipherSuite) != suite || state.NegotiatedProtocol != "http/1.1" || state.CurveID != tls.CurveP384 {
		t.Errorf("%v: %x %s %q %v", err, state.Version, tls.CipherSuiteName(state.CipherSuite), state.NegotiatedProtocol, state.CurveID)
	}
	recent := compile(t, tlspolicy.Config{MinVersion: "tls1.3"}).Apply(base)
	if _, err := handshake(t, recent, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 where 1.3 is the lowest")
	}
	if base.MaxVersion != 0 || base.CipherSuites != nil {
		t.Error("the configuration of all sites was changed")
	}
}
