package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/acme/issuing"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/wait"
	"dwaar/tlsstore/storage"
)

// door is one process that gets certificates: its HTTP and HTTPS listeners answer the
// challenges of its Issuing and nothing else.
type door struct {
	*issuing.Issuing
	storage   *storage.FileSystem
	httpPort  int
	httpsPort int
}

// newDoor listens where cfg says that challenges are asked.
func newDoor(t *testing.T, dir string, cfg *pebble.Config, opts issuing.Options) *door {
	t.Helper()
	d := newOffice(t, dir, opts)
	cfg.HTTPPort, cfg.TLSPort = wait.Port(t), wait.Port(t)
	l := must(t)(net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(cfg.HTTPPort))).(net.Listener)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.ServeHTTPChallenge(w, r) {
			http.Error(w, "not a challenge", http.StatusTeapot)
		}
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	d.listenTLS(t, cfg.TLSPort)
	return d
}

// newOffice is a process that shares a storage and has no listeners.
func newOffice(t *testing.T, dir string, opts issuing.Options) *door {
	t.Helper()
	s := must(t)(storage.NewFileSystem(dir)).(*storage.FileSystem)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	return &door{Issuing: issuing.New(s, nil, log, opts), storage: s}
}

func (d *door) listenTLS(t *testing.T, port int) {
	t.Helper()
	l := must(t)(tls.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port), &tls.Config{
		NextProtos: []string{"acme-tls/1"}, GetCertificate: d.ALPNCertificate,
	})).(net.Listener)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.(*tls.Conn).Handshake()
			}()
		}
	}()
}

// policy is for one name from one Pebble.
func policy(p *pebble.Pebble, names ...string) issuing.Policy {
	return issuing.Policy{Names: names, Issuers: []issuing.IssuerConfig{
		{CA: p.Directory(), Email: "ops@example.test", Roots: []string{p.RootFile()}},
	}}
}

// aMinute bounds an attempt that should succeed.
func aMinute(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestIssuingProvesByEitherChallengeOnOurListeners(t *testing.T) {
	for kind, opts := range map[string]issuing.Options{
		"http-01":     {NoTLSALPN01: true},
		"tls-alpn-01": {NoHTTP01: true},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cfg := pebble.Config{NonceReject: 30}
			d := newDoor(t, t.TempDir(), &cfg, opts)
			ca := pebble.Start(t, cfg)
			cert, err := d.Obtain(aMinute(t), policy(ca, "shop.example.test"), "shop.example.test")
			if err != nil {
				t.Fatal(err)
			}
			judge(t, ca, cert, "shop.example.test")
			stored, err := d.Load(t.Context(), policy(ca), "shop.example.test")
			if err != nil || !stored.Leaf.Equal(cert.Leaf) {
				t.Errorf("Load = %v, %v; want what was obtained", stored, err)
			}
		})
	}
}

// judge checks a certificate as a client would.
func judge(t *testing.T, ca *pebble.Pebble, cert *issuing.Certificate, name string) {
	t.Helper()
	pair, err := tls.X509KeyPair(cert.CertPEM, cert.KeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	intermediates := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		intermediates.AddCert(must(t)(x509.ParseCertificate(der)).(*x509.Certificate))
	}
	_, err = cert.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: ca.Pool(), Intermediates: intermediates})
	if err != nil {
		t.Error(err)
	}
}

func TestIssuingTellsTheCAWhatItReplaces(t *testing.T) {
	t.Parallel()
	cfg := pebble.Config{AlwaysValid: true}
	d := newDoor(t, t.TempDir(), &cfg, issuing.Options{})
	ca := pebble.Start(t, cfg)
	p := policy(ca, "a.example.test")
	first, err := d.Obtain(aMinute(t), p, "a.example.test")
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Renew(aMinute(t), p, "a.example.test", issuing.RenewOptions{Replaces: first})
	if err != nil {
		t.Fatal(err)
	}
	if second.Leaf.Equal(first.Leaf) || string(second.KeyPEM) == string(first.KeyPEM) {
		t.Error("the renewed certificate is the old one, or has its key")
	}
	orders := ca.Orders()
	if len(orders) != 2 || orders[0].Replaces != "" || strings.Count(orders[1].Replaces, ".") != 1 {
		t.Errorf("orders = %+v; want the second to say what it replaces", orders)
	}
}

var _ = errors.Is
