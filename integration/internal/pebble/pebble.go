// Package pebble runs Pebble, the ACME CA that Let's Encrypt writes for tests, inside the
// test: on ports of its own, with its own DNS, and with faults that can be switched.
package pebble

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"dwaar/integration/internal/pki"
)

// Pebble is a running CA. It can be taken down and brought up again on its address; accounts,
// orders and keys stay.
type Pebble struct {
	Zone *Zone // the DNS its validation asks, unless Config.Resolver named another

	t         testing.TB
	addr      string
	rootFile  string
	transport *tls.Config
	front     http.Handler
	ca        *ca.CAImpl
	issuer    *pki.Authority
	crl       string
	db        *db.MemoryStore
	server    *http.Server
	traffic   traffic
}

// building is held while Pebble reads its faults from the environment.
var building sync.Mutex

// Start runs a Pebble for the length of the test.
func Start(t testing.TB, cfg Config) *Pebble {
	t.Helper()
	p := &Pebble{t: t, Zone: NewZone(t)}
	p.identify()
	p.found(cfg)
	p.listen("127.0.0.1:0")
	t.Cleanup(p.Down)
	return p
}

// found makes the CA itself.
func (p *Pebble) found(cfg Config) {
	p.t.Helper()
	p.db = db.NewMemoryStore()
	if cfg.Resolver == "" {
		cfg.Resolver = p.Zone.Addr()
	}
	for id, key := range cfg.EAB {
		if err := p.db.AddExternalAccountKeyByID(id, key); err != nil {
			p.t.Fatalf("pebble: %v", err)
		}
	}
	for _, name := range cfg.Blocked {
		if err := p.db.AddBlockedDomain(name); err != nil {
			p.t.Fatalf("pebble: %v", err)
		}
	}
	p.build(cfg)
	p.name(cfg)
}

func (p *Pebble) build(cfg Config) {
	building.Lock()
	defer building.Unlock()
	for name, value := range cfg.environment() {
		_ = os.Setenv(name, strconv.Itoa(value))
		defer func() { _ = os.Unsetenv(name) }()
	}
	quiet := log.New(io.Discard, "", 0)
	profiles := map[string]ca.Profile{"default": {
		Description: "the only one", ValidityPeriod: uint64(cfg.Lifetime / time.Second),
	}}
	p.ca = ca.New(quiet, p.db, cfg.OCSP, "rsa", 0, 1, profiles)
	validation := va.New(quiet, cfg.HTTPPort, cfg.TLSPort, false, cfg.Resolver, p.db)
	front := wfe.New(quiet, p.db, validation, p.ca, []string{"pebble.test"}, false, len(cfg.EAB) > 0, 1, 1)
	p.front = front.Handler()
}

// name says who signs the leaves.
func (p *Pebble) name(cfg Config) {
	if p.crl = cfg.CRL; p.crl != "" {
		p.issuer = p.certifyForCRLs()
		return
	}
	root := &pki.Authority{Cert: p.ca.GetRootCert(0).Cert}
	p.issuer = &pki.Authority{Cert: p.ca.GetIntermediateCert(0).Cert, Key: p.ca.GetIntermediateKey(0), Parent: root}
}

// identify gives the ACME server the certificate of its own HTTPS, under a root of its own.
func (p *Pebble) identify() {
	authority := pki.New(p.t, "Pebble HTTPS")
	leaf := authority.Issue(p.t, pki.Request{Names: []string{"127.0.0.1", "localhost"}})
	p.transport = &tls.Config{Certificates: []tls.Certificate{{Certificate: leaf.Chain(), PrivateKey: leaf.Key}}}
	p.rootFile = filepath.Join(p.t.TempDir(), "pebble-https-root.pem")
	pki.WriteFile(p.t, p.rootFile, pki.CertPEM(authority.Root().Cert.Raw))
}

// Directory is the URL to configure as the CA.
func (p *Pebble) Directory() string { return "https://" + p.addr + wfe.DirectoryPath }

// RootFile is the PEM file that makes a client trust Directory: acme_ca_root.
func (p *Pebble) RootFile() string { return p.rootFile }

// Issuer is the authority that signs the leaves, with its key: what a responder or a CRL
// for them is signed with.
func (p *Pebble) Issuer() *pki.Authority { return p.issuer }

// Pool holds the root that issued certificates lead to.
func (p *Pebble) Pool() *x509.CertPool { return p.Issuer().Pool() }

// Down closes the listener and every connection: the next dial is refused.
func (p *Pebble) Down() {
	if p.server != nil {
		_ = p.server.Close()
		p.server = nil
	}
}

// Up listens again on the address it had.
func (p *Pebble) Up() { p.listen(p.addr) }

// Forget makes it another CA on the same address: without accounts, with other keys.
func (p *Pebble) Forget(cfg Config) {
	p.t.Helper()
	p.Down()
	p.found(cfg)
	p.Up()
}

func (p *Pebble) listen(addr string) {
	p.t.Helper()
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		p.t.Fatalf("pebble: %v", err)
	}
	p.addr = l.Addr().String()
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func(s *http.Server) { _ = s.Serve(tls.NewListener(l, p.transport)) }(p.server)
}
