package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/acme/dns"
	"dwaar/acme/issuing"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/wait"
	"dwaar/tlsstore/storage"
)

// door is one process that gets certificates: its HTTP and HTTPS listeners answer the
// challenges of its Issuing and nothing else.
type door struct{ *issuing.Issuing }

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
	return &door{Issuing: issuing.New(s, nil, log, opts)}
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
	t.Parallel()
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

func TestIssuingProvesWildcardsByDNS(t *testing.T) {
	t.Parallel()
	ca := pebble.Start(t, pebble.Config{})
	p := policy(ca, "*.example.test")
	p.DNS = byUpdates(ca)
	d := newOffice(t, t.TempDir(), issuing.Options{NoHTTP01: true, NoTLSALPN01: true})
	cert, err := d.Obtain(aMinute(t), p, "*.example.test")
	if err != nil {
		t.Fatal(err)
	}
	judge(t, ca, cert, "any.example.test")
	if loaded, err := d.Load(t.Context(), p, "*.example.test"); err != nil || !loaded.Leaf.Equal(cert.Leaf) {
		t.Errorf("Load = %v", err)
	}
	if left := ca.Zone.TXT("_acme-challenge.example.test."); len(left) != 0 || ca.Zone.Updates() != 2 {
		t.Errorf("records left: %q after %d updates", left, ca.Zone.Updates())
	}
}

// byUpdates puts the records into the zone that Pebble asks.
func byUpdates(ca *pebble.Pebble) *issuing.DNSConfig {
	return &issuing.DNSConfig{
		Config:    dns.Config{RFC2136: &dns.RFC2136Config{Server: ca.Zone.Addr()}},
		Resolvers: []string{ca.Zone.Addr()},
	}
}

func TestIssuingRemovesDNSRecordsAlsoOnFailure(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		within time.Duration
		fault  pebble.Fault
	}{
		"refused":      {time.Minute, pebble.Refuse("/chalZ/", http.StatusForbidden, "unauthorized")},
		"out of time":  {8 * time.Second, pebble.Hang("/chalZ/")},
		"never issued": {time.Minute, pebble.Refuse("/finalize-order/", http.StatusForbidden, "badCSR")},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ca := pebble.Start(t, pebble.Config{})
			ca.Behave(c.fault)
			p := policy(ca)
			p.DNS = byUpdates(ca)
			ctx, cancel := context.WithTimeout(t.Context(), c.within)
			defer cancel()
			if _, err := newOffice(t, t.TempDir(), issuing.Options{}).Obtain(ctx, p, "a.example.test"); err == nil {
				t.Fatal("it was not to succeed")
			}
			if left := ca.Zone.TXT("_acme-challenge.a.example.test."); len(left) != 0 || ca.Zone.Updates() != 2 {
				t.Errorf("records left: %q after %d updates", left, ca.Zone.Updates())
			}
		})
	}
}

func TestIssuingStopsWaitingForDNSAfterThePropagationTimeout(t *testing.T) {
	t.Parallel()
	ca, elsewhere := pebble.Start(t, pebble.Config{}), pebble.NewZone(t)
	p := policy(ca)
	p.DNS = byUpdates(ca)
	p.DNS.Resolvers = []string{elsewhere.Addr()} // where the record never appears
	p.DNS.PropagationTimeout = 3 * time.Second
	_, err := newOffice(t, t.TempDir(), issuing.Options{}).Obtain(aMinute(t), p, "a.example.test")
	if err == nil || !strings.Contains(err.Error(), "timed out waiting for record to fully propagate") {
		t.Errorf("Obtain = %v", err)
	}
	if left := ca.Zone.TXT("_acme-challenge.a.example.test."); len(left) != 0 {
		t.Errorf("records left: %q", left)
	}
	if n := ca.Requests("/chalZ/"); n != 0 {
		t.Errorf("the CA was told to look, %d times", n)
	}
}

func TestIssuingBindsAnExternalAccount(t *testing.T) {
	t.Parallel()
	hmac := pebble.HMACKey(t)
	ca := pebble.Start(t, pebble.Config{AlwaysValid: true, EAB: map[string]string{"kid-1": hmac}})
	p := policy(ca)
	d := newOffice(t, t.TempDir(), issuing.Options{})
	if _, err := d.Obtain(aMinute(t), p, "a.example.test"); err == nil || !strings.Contains(err.Error(), "externalAccountRequired") {
		t.Errorf("without EAB: %v", err)
	}
	p.Issuers[0].EAB = &issuing.EAB{KeyID: "kid-1", HMAC: dns.Secret(pebble.HMACKey(t))}
	if _, err := d.Obtain(aMinute(t), p, "a.example.test"); err == nil || !strings.Contains(err.Error(), "external account binding") {
		t.Errorf("with another's key: %v", err)
	}
	p.Issuers[0].EAB.HMAC = dns.Secret(hmac)
	if _, err := d.Obtain(aMinute(t), p, "a.example.test"); err != nil {
		t.Error(err)
	}
}

func TestIssuingAsksForMustStapleAndKeysOfAType(t *testing.T) {
	t.Parallel()
	ca := pebble.Start(t, pebble.Config{AlwaysValid: true, OCSP: "http://ocsp.example.test"})
	p := policy(ca)
	p.MustStaple, p.KeyType = true, "rsa2048"
	cert, err := newOffice(t, t.TempDir(), issuing.Options{}).Obtain(aMinute(t), p, "a.example.test")
	if err != nil {
		t.Fatal(err)
	}
	mustStaple := slices.ContainsFunc(cert.Leaf.Extensions, func(e pkix.Extension) bool {
		return e.Id.String() == "1.3.6.1.5.5.7.1.24"
	})
	if !mustStaple || cert.Leaf.PublicKeyAlgorithm != x509.RSA || !slices.Equal(cert.Leaf.OCSPServer, []string{"http://ocsp.example.test"}) {
		t.Errorf("must-staple %v, key %v, OCSP %v", mustStaple, cert.Leaf.PublicKeyAlgorithm, cert.Leaf.OCSPServer)
	}
}

// One process has the listeners, the other places the order: the challenge goes through
// the storage they share (A6).
func TestIssuingIsAnsweredByAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := pebble.Config{}
	front := newDoor(t, dir, &cfg, issuing.Options{})
	ca := pebble.Start(t, cfg)
	p := policy(ca, "a.example.test")
	front.Use([]issuing.Policy{p})
	back := newOffice(t, dir, issuing.Options{})
	if _, err := back.Obtain(aMinute(t), p, "a.example.test"); err != nil {
		t.Fatal(err)
	}
	if _, err := front.Obtain(aMinute(t), p, "a.example.test"); err != nil {
		t.Fatal(err)
	}
	if n := len(ca.Orders()); n != 1 {
		t.Errorf("%d orders, want one", n)
	}
}

func TestIssuingSurvivesItsCA(t *testing.T) {
	t.Parallel()
	ca := pebble.Start(t, pebble.Config{AlwaysValid: true})
	p := policy(ca)
	d := newOffice(t, t.TempDir(), issuing.Options{})
	ca.Down()
	_, err := d.Obtain(aMinute(t), p, "a.example.test")
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("while it is down: %v", err)
	}
	ca.Up()
	cert, err := d.Obtain(aMinute(t), p, "a.example.test")
	if err != nil {
		t.Fatal(err)
	}
	ca.Down()
	if _, err := d.Renew(aMinute(t), p, "a.example.test", issuing.RenewOptions{Replaces: cert}); err == nil {
		t.Error("renewed without a CA")
	}
	if loaded, err := d.Load(t.Context(), p, "a.example.test"); err != nil || !loaded.Leaf.Equal(cert.Leaf) {
		t.Errorf("Load = %v; want the old one", err)
	}
}

// A CA that has been set up anew does not know our account; another one is made.
func TestIssuingRegistersAgainWithACAThatForgot(t *testing.T) {
	t.Parallel()
	ca := pebble.Start(t, pebble.Config{AlwaysValid: true})
	d := newOffice(t, t.TempDir(), issuing.Options{})
	if _, err := d.Obtain(aMinute(t), policy(ca), "a.example.test"); err != nil {
		t.Fatal(err)
	}
	ca.Forget(pebble.Config{AlwaysValid: true})
	if _, err := d.Obtain(aMinute(t), policy(ca), "b.example.test"); err != nil {
		t.Error(err)
	}
}

func TestIssuingAsksWhenToRenew(t *testing.T) {
	t.Parallel()
	ca := pebble.Start(t, pebble.Config{AlwaysValid: true})
	p := policy(ca)
	d := newOffice(t, t.TempDir(), issuing.Options{})
	cert, err := d.Obtain(aMinute(t), p, "a.example.test")
	if err != nil {
		t.Fatal(err)
	}
	info, err := d.RenewalInfo(aMinute(t), p, cert)
	if err != nil || !info.Start.After(time.Now()) || !info.End.Before(cert.Leaf.NotAfter) || info.RetryAfter.IsZero() {
		t.Errorf("RenewalInfo = %+v, %v; want a window within the lifetime", info, err)
	}
	start, end := time.Now().Add(-2*time.Hour).Truncate(time.Second), time.Now().Add(-time.Hour).Truncate(time.Second)
	ca.SuggestRenewal(cert.Leaf, start, end)
	info, err = d.RenewalInfo(aMinute(t), p, cert)
	if err != nil || !info.Start.Equal(start) || !info.End.Equal(end) {
		t.Errorf("RenewalInfo = %+v, %v; want the hour that is over", info, err)
	}
}
