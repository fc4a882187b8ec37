package client

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/netip"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/fault"
)

// fetching is one round of Fetch or Ask.
type fetching struct {
	client  *Client
	subject subject
	round   *round
	answer  *ocspsvc.Response // verified good or revoked: the end
	unknown *ocspsvc.Response // verified unknown, the first
	failed  []Attempt
}

// subject is what a round asks about.
type subject struct {
	serial   *big.Int
	requests map[crypto.Hash][]byte // DER, by the hash of the CertID
	first    crypto.Hash            // the one to begin with
	postOnly bool
	habits   string // before the URL, where another habit is learned than Fetch's
	verify   func(resp *ocspsvc.Response, now time.Time, o ocspsvc.VerifyOptions) (ocspsvc.Verdict, error)
}

func (c *Client) fetch(ctx context.Context, leaf, issuer *x509.Certificate, urls []string) (*ocspsvc.Response, error) {
	if len(urls) == 0 {
		return nil, ocspsvc.Refuse(ocspsvc.ReasonNoResponder, "the certificate names no OCSP responder")
	}
	requests, err := encodeRequests(leaf, issuer)
	if err != nil {
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonNoIssuer, Err: err}
	}
	return c.round(ctx, urls, subject{
		serial: leaf.SerialNumber, requests: requests, first: c.cfg.hash(),
		verify: func(resp *ocspsvc.Response, now time.Time, o ocspsvc.VerifyOptions) (ocspsvc.Verdict, error) {
			return ocspsvc.Verify(resp, leaf, issuer, now, o)
		},
	})
}

func (c *Client) round(ctx context.Context, urls []string, about subject) (*ocspsvc.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	f := &fetching{client: c, subject: about, round: newRound(c.guard, urls)}
	f.round.run(ctx, f.try, func(t *target, err error) { f.fail(t, "", err) })
	return f.result(ctx)
}

// encodeRequests makes the two requests that a round may send: one CertID, no
// extension (RFC 9919 §3.1).
func encodeRequests(leaf, issuer *x509.Certificate) (map[crypto.Hash][]byte, error) {
	requests := make(map[crypto.Hash][]byte)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		id, err := ocspsvc.NewCertID(leaf, issuer, hash)
		if err != nil {
			return nil, err
		}
		if requests[hash], err = (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}).Marshal(); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

// result is what the round came to.
func (f *fetching) result(ctx context.Context) (*ocspsvc.Response, error) {
	switch {
	case f.answer != nil:
		return f.answer, nil
	case f.unknown != nil:
		return f.unknown, nil
	case len(f.failed) == 0: // not even time for one attempt
		f.fail(f.round.targets[0], "", fault.Network(ctx, context.Cause(ctx)))
	}
	return nil, (&FetchError{f.failed}).summary()
}

// try asks one address: in one variant, and while a failure suggests another
// and a request is left for it, in that.
func (f *fetching) try(ctx context.Context, t *target, addr netip.Addr) (stop bool) {
	v := f.start(t)
	for tried := map[variant]bool{}; ; {
		tried[v] = true
		err := f.ask(ctx, t, addr, v)
		if err == nil {
			f.client.learn(f.subject.habits+t.raw, v, f.preferred(t))
			return true
		}
		next, ok := f.alternative(t, v, err, tried)
		if !ok {
			return false
		}
		if !f.round.mayRepeat() {
			t.variant = next // for the next address
			return false
		}
		v = next
	}
}

// ask makes one request. It returns nil if it brought the answer.
func (f *fetching) ask(ctx context.Context, t *target, addr netip.Addr, v variant) error {
	f.round.take()
	got, err := f.client.exchange(ctx, f.question(t, v), func() bool { return f.round.mayFollow(t) })
	if err == nil {
		err = f.judge(t, v, got)
	}
	if err != nil {
		f.fail(t, fmt.Sprintf("%s, %s", addr, v), err)
	}
	return err
}

// judge keeps a response that verifies. Unknown is kept too, and an error, so
// that the other hash and the other URLs are asked.
func (f *fetching) judge(t *target, v variant, got reply) error {
	resp, err := ocspsvc.ParseResponse(got.body)
	if err != nil {
		return ocspsvc.Refuse(ocspsvc.ReasonOf(err), "%w (Content-Type %q)", err, got.contentType)
	}
	if resp.ResponseStatus != ocspsvc.Successful {
		return &ocspsvc.Error{Reason: ocspsvc.ReasonResponderError, Err: fault.Later(&statusError{resp.ResponseStatus}, got.retryAfter)}
	}
	verdict, err := f.verify(resp, v.hash)
	switch {
	case err != nil:
		return err
	case verdict.Status == ocspsvc.Unknown:
		t.done = true // its other addresses know no more
		if f.unknown == nil {
			f.unknown = resp
		}
		return ocspsvc.Refuse(ocspsvc.ReasonUnknown, "the responder does not know the certificate")
	}
	f.answer = resp
	return nil
}

// verify judges a response by its own times; only without nextUpdate does
// MaxAge count from thisUpdate.
func (f *fetching) verify(resp *ocspsvc.Response, asked crypto.Hash) (ocspsvc.Verdict, error) {
	now, cfg := time.Now(), f.client.cfg
	verdict, err := f.subject.verify(resp, now, ocspsvc.VerifyOptions{Hash: asked})
	if ocspsvc.ReasonOf(err) == ocspsvc.ReasonNoNextUpdate && !cfg.RequireNextUpdate {
		return f.subject.verify(resp, now, ocspsvc.VerifyOptions{Hash: asked, AllowNoNextUpdate: true, MaxAge: cfg.MaxAge})
	}
	return verdict, err
}

func (f *fetching) fail(t *target, asked string, err error) {
	f.failed = append(f.failed, Attempt{URL: t.raw, Asked: asked, Err: err})
	f.client.log.Debug("asking a responder failed", "responder", t.raw, "serial", hex.EncodeToString(f.subject.serial.Bytes()),
		"reason", ocspsvc.ReasonOf(err), "err", err)
}
