// Package issuing gets certificates: one attempt a call, from an ACME CA (RFC 8555) or from
// the local CA, and keeps them in storage in certmagic's layout. It has no schedule and
// decides nothing; package acme does. Of certmagic it uses the ACME issuer alone: accounts,
// orders, solvers and ARI. Certmagic's cache, its maintenance and its stapling do not exist
// here, it opens no port, and it never asks on stdin.
package issuing

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"dwaar/tlsstore/storage"
)

// LocalCA signs what no ACME CA would: the certificates of policies with the issuer
// "internal". It returns the chain without the root, leaf first, as PEM.
type LocalCA interface {
	Issue(ctx context.Context, csr *x509.CertificateRequest) (chainPEM []byte, err error)
}

// Options says which challenges this process can answer. With neither, and without a DNS
// provider, ACME orders fail.
type Options struct {
	NoHTTP01    bool `json:"no_http_01,omitempty"`     // nobody calls ServeHTTPChallenge
	NoTLSALPN01 bool `json:"no_tls_alpn_01,omitempty"` // nobody calls ALPNCertificate
}

// Issuing gets certificates and keeps them. Its methods are safe for concurrent use, by
// several processes on one storage too.
//
// It owns no goroutine but those of looks for challenges, which end soon. Certmagic keeps one for each CA and account it has asked, its rate
// limiter of 10 orders in 10 s, until the process ends.
type Issuing struct {
	storage storage.Storage
	local   LocalCA
	log     *slog.Logger
	zap     *zap.Logger

	policies atomic.Pointer[[]Policy] // as of Use
	opts     atomic.Pointer[Options]  // as of Answer

	challenged *looks[[]string] // where the challenges that are going on are
	challenges *looks[[]byte]

	mu      sync.Mutex
	clients map[string]client   // guarded by mu; by everything that makes it
	active  map[string]*solving // guarded by mu; by name: what is being obtained here
}

// New makes an Issuing on a storage. Local may be nil if no policy has the issuer
// "internal".
func New(s storage.Storage, local LocalCA, log *slog.Logger, opts Options) *Issuing {
	i := &Issuing{
		storage: s, local: local, log: log,
		zap:        zap.New(slogCore{handler: log.Handler()}),
		challenged: newLooks[[]string](), challenges: newLooks[[]byte](),
		clients: make(map[string]client),
		active:  make(map[string]*solving),
	}
	i.Use(nil)
	i.Answer(opts)
	return i
}

// Answer says which challenges this process can answer from now on. One that it cannot is not
// tried: CAs count validations that fail.
func (i *Issuing) Answer(opts Options) { i.opts.Store(&opts) }

// Use says which policies are in force: for their names challenges are answered also when
// it was another process on this storage that placed the order.
func (i *Issuing) Use(policies []Policy) { i.policies.Store(&policies) }
