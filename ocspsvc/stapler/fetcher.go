package stapler

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"

	"dwaar/ocspsvc"
)

// Fetcher gets the OCSP response for leaf, which issuer issued.
// ocspsvc/client.Client is one.
//
// It returns when ctx ends. An *ocspsvc.Error says by its reason why there is
// no response; one of reason no_responder makes the certificate one that is
// never asked for again. An error with a method RetryAfter() time.Duration
// says how long the responder wants to be left alone.
type Fetcher interface {
	Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error)
}

// FetcherFunc is a function as a Fetcher.
type FetcherFunc func(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error)

// Fetch calls f.
func (f FetcherFunc) Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
	return f(ctx, leaf, issuer)
}

// IssuerFetcher is what a Fetcher may do besides: find the issuer of a leaf
// whose chain does not have it, from the leaf's caIssuers URL (S7). Reason
// no_issuer says that there is no such URL.
type IssuerFetcher interface {
	FetchIssuer(ctx context.Context, leaf *x509.Certificate) (*x509.Certificate, error)
}

// retryAfter is how an error carries the responder's Retry-After.
type retryAfter interface {
	error
	RetryAfter() time.Duration
}

// FromSource makes a Fetcher of a Source, so that the staples of a CA which is
// this very process need no network. It asks by SHA-1, which TLS clients match
// staples by (S9).
func FromSource(source ocspsvc.Source) Fetcher {
	return FetcherFunc(func(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
		id, err := ocspsvc.NewCertID(leaf, issuer, crypto.SHA1)
		if err != nil {
			return nil, err
		}
		return source.Respond(ctx, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}})
	})
}
