package main

import (
	"crypto/x509"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

type ocspVerifyCmd struct {
	Cert     string         `required:"" placeholder:"FILE" type:"file" help:"The certificate (PEM or DER); of a chain the leaf counts."`
	Issuer   string         `required:"" placeholder:"FILE" type:"file" help:"The certificate of its issuer; of a chain the one that fits counts."`
	Response string         `required:"" placeholder:"FILE" type:"file" help:"The OCSP response (DER)."`
	At       time.Time      `placeholder:"TIME" help:"Judge as at this time, like 2026-03-01T12:00:00Z (default: now)."`
	MaxAge   *time.Duration `placeholder:"D" help:"Refuse when thisUpdate is longer ago; then a response without nextUpdate is judged by it, else such a response is refused."`
	JSON     bool           `help:"Print the verdict as JSON."`
}

func (ocspVerifyCmd) Help() string {
	return `Checks everything a TLS client ought to: CertID, signature, who signed, times, critical extensions (RFC 6960 section 3.2). Exit code 0 only for a valid good.`
}

// Validate is called by kong: a wrong command line, not a failure.
func (c ocspVerifyCmd) Validate() error {
	if c.MaxAge != nil && *c.MaxAge == 0 {
		return errors.New("--max-age: no response is that fresh; leave it out to set no bound")
	}
	return nil
}

func (c ocspVerifyCmd) Run(a *app) error {
	leaf, issuers, err := c.certificates()
	if err != nil {
		return err
	}
	// More than any response may have: the verdict on a larger one is too_large.
	raw, err := readBounded(c.Response, maxFile)
	if err != nil {
		return err
	}
	v, err := c.judge(raw, leaf, issuers)
	return a.verdict(v, err, c.JSON)
}

func (c ocspVerifyCmd) certificates() (leaf *x509.Certificate, issuers []*x509.Certificate, err error) {
	certs, err := readCertificates(c.Cert)
	if err != nil {
		return nil, nil, err
	}
	issuers, err = readCertificates(c.Issuer)
	return leafOf(certs), issuers, err
}

func (c ocspVerifyCmd) judge(raw []byte, leaf *x509.Certificate, issuers []*x509.Certificate) (ocspsvc.Verdict, error) {
	issuer := ocspsvc.FindIssuer(leaf, issuers)
	if issuer == nil {
		err := wrongIssuer(c.Issuer, c.Cert)
		return ocspsvc.Refusal(err), err
	}
	r, err := ocspsvc.ParseResponse(raw)
	if err != nil {
		return ocspsvc.Refusal(err), err
	}
	v, err := ocspsvc.Verify(r, leaf, issuer, c.now(), c.options())
	if ocspsvc.ReasonOf(err) == ocspsvc.ReasonNoNextUpdate {
		err = advised{err, "The answer has no nextUpdate, so nothing says when it ends; have the responder set it, or bound its age with --max-age."}
	}
	return v, err
}

func (c ocspVerifyCmd) now() time.Time {
	if c.At.IsZero() {
		return time.Now()
	}
	return c.At
}

func (c ocspVerifyCmd) options() ocspsvc.VerifyOptions {
	if c.MaxAge == nil {
		return ocspsvc.VerifyOptions{}
	}
	return ocspsvc.VerifyOptions{MaxAge: *c.MaxAge, AllowNoNextUpdate: true}
}
