package stapler

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"dwaar/ocspsvc"
)

// issuersKept bounds the parsed issuers: far more than any server has CAs.
const issuersKept = 512

// issuers holds each issuer parsed once, however many chains have it.
type issuers struct {
	byHash    *lru.Cache[Fingerprint, *x509.Certificate]
	bySubject *lru.Cache[string, *x509.Certificate] // fetched ones, good for every other leaf of theirs
}

func newIssuers() (*issuers, error) {
	byHash, err := lru.New[Fingerprint, *x509.Certificate](issuersKept)
	if err != nil {
		return nil, err
	}
	bySubject, err := lru.New[string, *x509.Certificate](issuersKept)
	return &issuers{byHash, bySubject}, err
}

// parse returns the one parsed form of der, or nil if it cannot be read.
func (i *issuers) parse(der []byte) *x509.Certificate {
	sum := sha256.Sum256(der)
	if known, ok := i.byHash.Get(sum); ok {
		return known
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	i.byHash.Add(sum, parsed)
	return parsed
}

// find returns leaf's issuer among the chain and what else is at hand, or nil (S7).
func (i *issuers) find(leaf *x509.Certificate, chain [][]byte, more ...*x509.Certificate) *x509.Certificate {
	for _, der := range chain {
		more = append(more, i.parse(der))
	}
	return ocspsvc.FindIssuer(leaf, slices.DeleteFunc(more, func(c *x509.Certificate) bool { return c == nil }))
}

// known returns what was fetched for another leaf with the same issuer's name, or nil.
func (i *issuers) known(leaf *x509.Certificate) *x509.Certificate {
	issuer, _ := i.bySubject.Get(string(leaf.RawIssuer))
	return issuer
}

// fetch gets leaf's issuer from its caIssuers URL and checks that it is it.
func (i *issuers) fetch(ctx context.Context, fetcher Fetcher, leaf *x509.Certificate) (*x509.Certificate, error) {
	abroad, ok := fetcher.(IssuerFetcher)
	switch {
	case len(leaf.OCSPServer) == 0:
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonNoResponder, Err: errors.New("the certificate names no responder")}
	case !ok || len(leaf.IssuingCertificateURL) == 0:
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonNoIssuer, Err: errors.New("the issuer is not in the chain")}
	}
	issuer, err := abroad.FetchIssuer(ctx, leaf)
	if err != nil {
		return nil, fmt.Errorf("fetching the issuer: %w", err)
	}
	if ocspsvc.FindIssuer(leaf, []*x509.Certificate{issuer}) == nil {
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonWrongCertificate, Err: errors.New("the fetched issuer did not issue the certificate")}
	}
	issuer = i.parse(issuer.Raw)
	i.bySubject.Add(string(issuer.RawSubject), issuer)
	return issuer, nil
}
