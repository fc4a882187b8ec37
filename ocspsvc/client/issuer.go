package client

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"net/netip"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/fault"
)

// issuerTypes are the media types of certificates (RFC 5280 §4.2.2.1).
const issuerTypes = "application/pkix-cert, application/pkcs7-mime, application/x-x509-ca-cert, */*;q=0.5"

// FetchIssuer returns the certificate that issued leaf, from the caIssuers URLs
// of its AIA extension (S7). Single certificates in DER or PEM, PEM bundles and
// certs-only PKCS#7 are read; the certificate returned is a CA's and verifies
// leaf's signature. URLs, addresses, redirects, bytes and time are treated as
// by Fetch. Every error is an *ocspsvc.Error; reason no_issuer means that leaf
// names no URL.
func (c *Client) FetchIssuer(ctx context.Context, leaf *x509.Certificate) (*x509.Certificate, error) {
	urls := distinct(leaf.IssuingCertificateURL)
	switch {
	case ocspsvc.SelfSigned(leaf):
		return nil, ocspsvc.Refuse(ocspsvc.ReasonSelfSigned, "the certificate signed itself")
	case len(urls) == 0:
		return nil, ocspsvc.Refuse(ocspsvc.ReasonNoIssuer, "the certificate names no caIssuers URL")
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	s := &issuerSearch{client: c, leaf: leaf, round: newRound(c.guard, urls)}
	s.round.run(ctx, s.try, func(t *target, err error) { s.fail(t, "", err) })
	if s.issuer != nil {
		return s.issuer, nil
	}
	if len(s.failed) == 0 {
		s.fail(s.round.targets[0], "", fault.Network(ctx, context.Cause(ctx)))
	}
	return nil, (&FetchError{s.failed}).summary()
}

// issuerSearch is one round of FetchIssuer.
type issuerSearch struct {
	client *Client
	leaf   *x509.Certificate
	round  *round
	issuer *x509.Certificate
	failed []Attempt
}

func (s *issuerSearch) try(ctx context.Context, t *target, addr netip.Addr) (stop bool) {
	s.round.take()
	q := question{url: t.url.String(), accept: issuerTypes}
	got, err := s.client.exchange(ctx, q, func() bool { return s.round.mayFollow(t) })
	if err == nil {
		err = s.judge(got)
	}
	if err != nil {
		s.fail(t, addr.String(), err)
	}
	return err == nil
}

func (s *issuerSearch) judge(got reply) error {
	certs, err := parseCertificates(got.body)
	if err != nil {
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "%w (Content-Type %q)", err, got.contentType)
	}
	if s.issuer = ocspsvc.FindIssuer(s.leaf, certs); s.issuer == nil {
		return ocspsvc.Refuse(ocspsvc.ReasonWrongCertificate, "%s did not issue the certificate", certs[0].Subject)
	}
	return nil
}

func (s *issuerSearch) fail(t *target, asked string, err error) {
	s.failed = append(s.failed, Attempt{URL: t.raw, Asked: asked, Err: err})
	s.client.log.Debug("fetching an issuer failed", "issuer", t.raw, "serial", hex.EncodeToString(s.leaf.SerialNumber.Bytes()),
		"reason", ocspsvc.ReasonOf(err), "err", err)
}
