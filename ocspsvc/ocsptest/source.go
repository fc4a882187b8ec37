package ocsptest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// Responder is a Source.
var _ ocspsvc.Source = (*Responder)(nil)

// Respond answers without network. What only HTTP can do becomes an error with
// the reason a client would report; hanging ends with ctx or Close.
func (r *Responder) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	r.log("", "", nil, req)
	der, err := r.respond(ctx, req)
	if err != nil {
		return nil, err
	}
	return ocspsvc.ParseResponse(der)
}

func (r *Responder) respond(ctx context.Context, req *ocspsvc.Request) ([]byte, error) {
	s, c := r.settingsFor(req.CertIDs[0].Serial)
	if err := r.wait(ctx, s.Delay); err != nil {
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonTimeout, Err: err}
	}
	switch s.Fault {
	case Hang, HangAfterHeader, SlowDripForever:
		return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonTimeout, Err: r.hang(ctx)}
	case HTTP404, HTTP500, HTTP503, Redirect, ConnectionDropped:
		return nil, &ocspsvc.Error{Reason: s.Fault.Reason(), Err: errors.New(string(s.Fault))}
	}
	return r.answer(req, s, c)
}

// hang waits for the end of ctx, or for Close.
func (r *Responder) hang(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closed:
		return errors.New("responder closed")
	}
}

func (r *Responder) wait(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closed:
		return errors.New("responder closed")
	}
}

// Fetch asks and verifies as client.Client does, without network: by SHA-1,
// then by SHA-256 if the responder is unauthorized, with nextUpdate required.
// The returned response has passed Verify; every error is an *ocspsvc.Error.
func (r *Responder) Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
	var response *ocspsvc.Response
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		id, err := ocspsvc.NewCertID(leaf, issuer, hash)
		if err != nil {
			return nil, &ocspsvc.Error{Reason: ocspsvc.ReasonNoIssuer, Err: err}
		}
		if response, err = r.Respond(ctx, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}); err != nil {
			return nil, err
		}
		if response.ResponseStatus != ocspsvc.Unauthorized {
			break
		}
	}
	if _, err := ocspsvc.Verify(response, leaf, issuer, time.Now(), ocspsvc.VerifyOptions{}); err != nil {
		return nil, err
	}
	return response, nil
}

// DER returns the bytes that answer for leaf as things are, unverified and not
// counted as a hit. It panics for faults that are OverHTTP.
func (r *Responder) DER(leaf *Leaf) []byte {
	id, err := ocspsvc.NewCertID(leaf.Cert, r.ca.Cert, crypto.SHA1)
	if err != nil {
		panic(fmt.Sprintf("naming %s: %v", leaf.Cert.Subject, err))
	}
	s, c := r.settingsFor(leaf.Cert.SerialNumber)
	if s.Fault.OverHTTP() {
		panic(fmt.Sprintf("%s has no bytes", s.Fault))
	}
	der, err := r.answer(&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}, s, c)
	if err != nil {
		panic(fmt.Sprintf("answering for %s: %v", leaf.Cert.Subject, err))
	}
	return bytes.Clone(der)
}
