package stapler

import (
	"context"
	"crypto/x509"
	"errors"

	"dwaar/ocspsvc"
)

// OwnFirst makes a Fetcher that asks source, such as a responder in this very
// process, about the certificates of its CAs, without a network; others are
// fetched as usual. A leaf of such a CA needs no responder's URL.
func OwnFirst(source ocspsvc.Source, usual Fetcher) Fetcher {
	return ownFirst{own: FromSource(source), usual: usual}
}

type ownFirst struct{ own, usual Fetcher }

func (f ownFirst) Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
	response, err := f.own.Fetch(ctx, leaf, issuer)
	if errors.Is(err, ocspsvc.ErrNotOurs) {
		return f.usual.Fetch(ctx, leaf, issuer)
	}
	return response, err
}

// FetchIssuer is the usual Fetcher's, if it can.
func (f ownFirst) FetchIssuer(ctx context.Context, leaf *x509.Certificate) (*x509.Certificate, error) {
	if abroad, ok := f.usual.(IssuerFetcher); ok {
		return abroad.FetchIssuer(ctx, leaf)
	}
	return nil, ocspsvc.Refuse(ocspsvc.ReasonNoIssuer, "the issuer is not in the chain")
}
