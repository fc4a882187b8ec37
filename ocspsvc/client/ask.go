package client

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"

	"dwaar/ocspsvc"
)

// Ask returns the response to req, which is about certificates of issuer, from
// the given URLs, for who has no more than their CertIDs. It is a round like
// that of Fetch, but asks by no other hash, and with a nonce by POST only, as
// caches can do nothing with it. The CertIDs are sent as they are. The response
// has passed ocspsvc.VerifyID for each of them, with the nonce; of one without
// nextUpdate Config.MaxAge limits the age.
//
// An error of the responder's has a method ResponseStatus in its chain.
func (c *Client) Ask(ctx context.Context, req *ocspsvc.Request, issuer *x509.Certificate, urls ...string) (*ocspsvc.Response, error) {
	der, err := (&ocspsvc.Request{CertIDs: req.CertIDs, Nonce: req.Nonce}).Marshal()
	switch {
	case err != nil:
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonMalformed, Err: err}
	case len(urls) == 0:
		return nil, ocspsvc.Refuse(ocspsvc.ReasonNoResponder, "no responder is known for certificates of %s", issuer.Subject)
	}
	hash := req.CertIDs[0].Hash
	about := subject{
		serial: req.CertIDs[0].Serial, requests: map[crypto.Hash][]byte{hash: der}, first: hash, postOnly: len(req.Nonce) > 0, habits: hash.String() + " ",
		verify: func(resp *ocspsvc.Response, now time.Time, o ocspsvc.VerifyOptions) (ocspsvc.Verdict, error) {
			return verifyAll(resp, req, issuer, now, o)
		},
	}
	if about.postOnly {
		about.habits = "nonce "
	}
	return c.round(ctx, distinct(urls), about)
}

// verifyAll wants an answer for every CertID (RFC 6960 §4.2.2.3), and returns
// the verdict on the last.
func verifyAll(resp *ocspsvc.Response, req *ocspsvc.Request, issuer *x509.Certificate, now time.Time, o ocspsvc.VerifyOptions) (verdict ocspsvc.Verdict, err error) {
	o.Nonce = req.Nonce
	for _, id := range req.CertIDs {
		if verdict, err = ocspsvc.VerifyID(resp, id, issuer, now, o); err != nil {
			return verdict, err
		}
	}
	return verdict, nil
}
