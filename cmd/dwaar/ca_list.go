package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

type caListCmd struct {
	caFlags
	Status        string            `enum:",good,revoked" default:"" placeholder:"STATUS" help:"Only those that are good, or revoked."`
	Reason        *revocationReason `placeholder:"REASON" help:"Only those revoked for this reason."`
	ExpiresBefore time.Time         `placeholder:"TIME" help:"Only those that expire before."`
	RevokedAfter  time.Time         `placeholder:"TIME" help:"Only those revoked since."`
	JSON          bool              `help:"Print JSON."`
}

func (c caListCmd) Run(a *app) error {
	return c.with(certdb.Use, func(ctx context.Context, b *books) error { return c.list(ctx, a, b) })
}

func (c caListCmd) list(ctx context.Context, a *app, b *books) error {
	if c.JSON {
		return c.json(a, b.all(ctx))
	}
	t := newTable(a.stdout, "SERIAL", "STATUS", "NOT AFTER", "REVOKED AT", "REASON", "SUBJECT")
	for cert, err := range b.all(ctx) {
		if err != nil {
			return err
		}
		if c.wants(cert) {
			t.row(certdb.FormatSerial(cert.Serial), orDash(cert.Status.String()), when(cert.Expires), when(cert.RevokedAt), orDash(reasonOf(cert)), orDash(cert.Subject))
		}
	}
	return t.flush()
}

func (c caListCmd) wants(cert certdb.Certificate) bool {
	switch revoked := cert.Status == ocspsvc.Revoked; {
	case c.Status != "" && c.Status != cert.Status.String(),
		c.Reason != nil && (!revoked || cert.Reason != c.Reason.RevocationReason),
		!c.ExpiresBefore.IsZero() && !cert.Expires.Before(c.ExpiresBefore),
		!c.RevokedAfter.IsZero() && (!revoked || cert.RevokedAt.Before(c.RevokedAfter)):
		return false
	}
	return true
}

// json writes one certificate after the other: there may be millions.
func (c caListCmd) json(a *app, certs iter.Seq2[certdb.Certificate, error]) error {
	out := bufio.NewWriter(a.stdout)
	between := "{\"certificates\":[\n"
	for cert, err := range certs {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if !c.wants(cert) {
			continue
		}
		line, err := json.Marshal(listed(cert))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s%s", between, line)
		between = ",\n"
	}
	if between[0] == '{' {
		fmt.Fprint(out, between)
	}
	fmt.Fprint(out, "\n]}\n")
	return out.Flush()
}

// listedCertificate is a certificate for scripts. A status of "" is one that
// contradicts itself.
type listedCertificate struct {
	Serial    string    `json:"serial"`
	Status    string    `json:"status"`
	NotAfter  time.Time `json:"not_after,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	Reason    string    `json:"revocation_reason,omitempty"`
	Subject   string    `json:"subject,omitempty"`
}

func listed(c certdb.Certificate) listedCertificate {
	return listedCertificate{certdb.FormatSerial(c.Serial), c.Status.String(), c.Expires, c.RevokedAt, reasonOf(c), c.Subject}
}

func reasonOf(c certdb.Certificate) string {
	if c.Status != ocspsvc.Revoked {
		return ""
	}
	return c.Reason.String()
}

// pageSize is how many certificates are read at once.
const pageSize = 1000

// all yields every certificate of the issuer.
func (b *books) all(ctx context.Context) iter.Seq2[certdb.Certificate, error] {
	return func(yield func(certdb.Certificate, error) bool) {
		var after *big.Int
		for {
			page, err := b.Certificates(ctx, responder.IssuerIDOf(b.issuer), after, pageSize)
			if err != nil {
				yield(certdb.Certificate{}, err)
				return
			}
			for _, cert := range page {
				if !yield(cert, nil) {
					return
				}
				after = cert.Serial
			}
			if len(page) == 0 {
				return
			}
		}
	}
}
