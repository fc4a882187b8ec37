package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
)

// question is one to a responder about the leaf of a chain file.
type question struct {
	cert, issuer, url string
	allow             []string
}

// answer is what came back, and the verdict on it.
type answer struct {
	leaf     *x509.Certificate
	asked    []string
	response *ocspsvc.Response // nil if the verdict is a refusal
	verdict  ocspsvc.Verdict
}

// ask asks through the guard. Without an answer the error is about the question:
// a file that cannot be read, a network that is none. With one it says why the
// verdict is a refusal.
func (q question) ask(ctx context.Context) (*answer, error) {
	leaf, certs, err := q.certificates()
	if err != nil {
		return nil, err
	}
	guard, err := netguard.New(netguard.Config{Allow: q.allow})
	if err != nil {
		return nil, usage(err)
	}
	asker, err := client.New(client.Config{RequireNextUpdate: true}, guard, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	out := &answer{leaf: leaf, asked: q.responders(leaf)}
	out.response, out.verdict, err = q.fetch(ctx, asker, leaf, certs)
	return out, err
}

// certificates are the leaf, and where its issuer may be: the chain and the
// issuer's file.
func (q question) certificates() (leaf *x509.Certificate, certs []*x509.Certificate, err error) {
	certs, err = readCertificates(q.cert)
	if err != nil {
		return nil, nil, err
	}
	leaf = leafOf(certs)
	if q.issuer == "" {
		return leaf, certs, nil
	}
	issuers, err := readCertificates(q.issuer)
	return leaf, append(certs, issuers...), err
}

// fetch is one round with the responder, after one for the issuer's certificate
// if nobody gave it.
func (q question) fetch(ctx context.Context, asker *client.Client, leaf *x509.Certificate, certs []*x509.Certificate) (*ocspsvc.Response, ocspsvc.Verdict, error) {
	issuer := ocspsvc.FindIssuer(leaf, certs)
	if issuer == nil {
		var err error
		if issuer, err = asker.FetchIssuer(ctx, leaf); err != nil {
			if q.issuer != "" && ocspsvc.ReasonOf(err) == ocspsvc.ReasonNoIssuer {
				err = wrongIssuer(q.issuer, q.cert)
			}
			return nil, ocspsvc.Refusal(err), err
		}
	}
	r, err := asker.FetchFrom(ctx, leaf, issuer, q.responders(leaf)...)
	if form := (*netguard.URLError)(nil); q.url != "" && errors.As(err, &form) {
		err = advised{err, "Write the responder as http:// or https://, a host and, where it has one, a path."}
	}
	if err != nil {
		return nil, ocspsvc.Refusal(err), err
	}
	v, err := ocspsvc.Verify(r, leaf, issuer, time.Now(), ocspsvc.VerifyOptions{})
	return r, v, err
}

func (q question) responders(leaf *x509.Certificate) []string {
	if q.url != "" {
		return []string{q.url}
	}
	return leaf.OCSPServer
}

// wrongIssuer refuses a file of issuers that has not the right one.
func wrongIssuer(issuers, leaf string) error {
	return because(ocspsvc.ReasonNoIssuer, advised{
		fmt.Errorf("%s holds no certificate that issued %s", issuers, leaf),
		"Give the certificate that signed this one: openssl x509 -noout -issuer shows its name.",
	})
}

// subjectAndNames is how a certificate is shown to people.
func subjectAndNames(cert *x509.Certificate) string {
	if len(cert.DNSNames) == 0 {
		return cert.Subject.String()
	}
	return cert.Subject.String() + ", " + strings.Join(cert.DNSNames, " ")
}

func (r *answer) facts() []fact {
	return []fact{
		{"certificate", subjectAndNames(r.leaf)},
		{"asked", orDash(strings.Join(r.asked, " "))},
		{"must-staple", yesNo(ocspsvc.HasMustStaple(r.leaf))},
	}
}
