package client

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"dwaar/netguard"
	"dwaar/ocspsvc"
)

// maxLearned bounds the responders whose habits are remembered.
const maxLearned = 1024

// Client asks responders. It may be used concurrently; between calls it holds
// no connection and no goroutine.
type Client struct {
	cfg       Config
	overrides []override
	guard     *netguard.Guard
	log       *slog.Logger
	roots     *x509.CertPool            // nil: the system's
	learned   *lru.Cache[string, habit] // by URL
}

// Option changes what a Client trusts.
type Option func(*Client)

// WithRoots verifies the certificates of https responders against roots
// instead of the system's.
func WithRoots(roots *x509.CertPool) Option { return func(c *Client) { c.roots = roots } }

// New checks cfg, reading the issuer files that its overrides name, and makes a
// Client that dials through guard. A nil log is silent; attempts are logged at
// debug level.
func New(cfg Config, guard *netguard.Guard, log *slog.Logger, opts ...Option) (*Client, error) {
	if guard == nil {
		return nil, errors.New("ocsp: a client needs a guard")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	overrides, err := loadOverrides(cfg.Overrides, guard)
	if err != nil {
		return nil, err
	}
	learned, err := lru.New[string, habit](maxLearned)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Client{cfg: cfg, overrides: overrides, guard: guard, log: log, learned: learned}
	for _, opt := range opts {
		opt(c)
	}
	return c, nil
}

// Fetch returns the response about leaf, which issuer issued, from the
// responders its AIA extension names, or from the overrides. The response has
// passed ocspsvc.Verify and says good, revoked or unknown; its Raw bytes are
// those received. Every error is an *ocspsvc.Error; one with a method
// RetryAfter() time.Duration in its chain tells what the responder asked for.
func (c *Client) Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
	if err := askable(leaf, issuer, time.Now()); err != nil {
		return nil, err
	}
	return c.fetch(ctx, leaf, issuer, c.Responders(leaf, issuer))
}

// FetchFrom is Fetch from the given URLs, whatever the certificate and the
// overrides say.
func (c *Client) FetchFrom(ctx context.Context, leaf, issuer *x509.Certificate, urls ...string) (*ocspsvc.Response, error) {
	if err := askable(leaf, issuer, time.Now()); err != nil {
		return nil, err
	}
	return c.fetch(ctx, leaf, issuer, urls)
}

// askable refuses what must or should not be asked: RFC 9608 §4, and RFC 5019
// §4 with its rules on expired certificates and unverified signatures (C16).
func askable(leaf, issuer *x509.Certificate, now time.Time) error {
	switch {
	case leaf == nil:
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "no certificate to ask about")
	case ocspsvc.NoRevAvail(leaf):
		return ocspsvc.Refuse(ocspsvc.ReasonNoResponder, "the certificate has noRevAvail (RFC 9608)")
	case ocspsvc.SelfSigned(leaf):
		return ocspsvc.Refuse(ocspsvc.ReasonSelfSigned, "the certificate signed itself")
	case issuer == nil:
		return ocspsvc.Refuse(ocspsvc.ReasonNoIssuer, "the issuer's certificate is not known")
	case ocspsvc.FindIssuer(leaf, []*x509.Certificate{issuer}) == nil:
		return ocspsvc.Refuse(ocspsvc.ReasonNoIssuer, "%s did not issue the certificate", issuer.Subject)
	case now.After(leaf.NotAfter):
		return ocspsvc.Refuse(ocspsvc.ReasonExpired, "the certificate itself expired at %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}
