package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

type caRevokeCmd struct {
	caFlags
	certificateArg
	Reason revocationReason `default:"unspecified" placeholder:"REASON" help:"unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn or aACompromise."`
	At     time.Time        `placeholder:"TIME" help:"Since when it is revoked, like 2026-03-01T12:00:00Z (default: now)."`
}

func (caRevokeCmd) Help() string {
	return `A serial number is written in hex, as everywhere, also with colons. A certificate in a file that is not in the database yet is added.

Once revoked, a certificate keeps its time and its reason: the same again does nothing, another reason is refused. Only certificateHold can be lifted (dwaar ca unrevoke), or be given another reason.`
}

// certificateArg is the one certificate a command is about.
type certificateArg struct {
	Certificate string `arg:"" name:"certificate" help:"A serial number in hex, or a file with the certificate."`
}

// revocationReason is a CRLReason by its name, in whatever case.
type revocationReason struct{ ocspsvc.RevocationReason }

// UnmarshalText is called by kong.
func (r *revocationReason) UnmarshalText(text []byte) error {
	for reason := ocspsvc.Unspecified; reason <= ocspsvc.AACompromise; reason++ {
		if strings.EqualFold(reason.String(), string(text)) {
			r.RevocationReason = reason
			if reason == ocspsvc.RemoveFromCRL {
				return errors.New("removeFromCRL is no reason to revoke; see dwaar ca unrevoke")
			}
			return nil
		}
	}
	return fmt.Errorf("unknown revocation reason %q", text)
}

// Validate is called by kong.
func (c caRevokeCmd) Validate() error {
	if c.At.After(time.Now().Add(time.Minute)) {
		return errors.New("--at: a certificate is not revoked in advance")
	}
	return c.caFlags.Validate()
}

func (c caRevokeCmd) Run(a *app) error {
	return c.with(certdb.Use, func(ctx context.Context, b *books) error { return c.revokeIn(ctx, a, b) })
}

func (c caRevokeCmd) revokeIn(ctx context.Context, a *app, b *books) error {
	serial, cert, err := c.find(b)
	if err != nil {
		return err
	}
	if c.At.IsZero() {
		c.At = time.Now()
	}
	changed, err := c.revoke(ctx, b, serial, cert)
	if err != nil {
		return err
	}
	return a.revoked(ctx, b, serial, changed)
}

func (c caRevokeCmd) revoke(ctx context.Context, b *books, serial *big.Int, cert *x509.Certificate) (changed bool, err error) {
	changed, err = b.Revoke(ctx, b.issuer, serial, c.At, c.Reason.RevocationReason)
	switch {
	case !errors.Is(err, responder.ErrNoRecord):
		return changed, err
	case cert == nil:
		return false, b.notIssued(serial)
	}
	row := certdb.Of(cert)
	row.Status, row.RevokedAt, row.Reason = ocspsvc.Revoked, c.At, c.Reason.RevocationReason
	_, err = b.Add(ctx, b.issuer, row)
	return true, err
}

func (b *books) notIssued(serial *big.Int) error {
	return fmt.Errorf("the database has no certificate with the serial number %s of %s: add it first (dwaar ca add), or name the file with the certificate", certdb.FormatSerial(serial), b.issuer.Subject)
}

// revoked says since when a certificate is revoked.
func (a *app) revoked(ctx context.Context, b *books, serial *big.Int, changed bool) error {
	record, err := b.Record(ctx, responder.IssuerIDOf(b.issuer), serial)
	if err != nil {
		return err
	}
	word := "revoked"
	if !changed {
		word = "was revoked already"
	}
	fmt.Fprintf(a.stdout, "%s %s, since %s (%s)\n", certdb.FormatSerial(serial), word, when(record.RevokedAt), record.Reason)
	return nil
}

// find reads the argument: a file that is there, or a serial number.
func (c certificateArg) find(b *books) (*big.Int, *x509.Certificate, error) {
	if info, err := os.Stat(c.Certificate); err == nil && !info.IsDir() {
		issued, err := b.issuedIn(c.Certificate)
		switch {
		case err != nil:
			return nil, nil, err
		case len(issued) > 1:
			return nil, nil, fmt.Errorf("%s has %d certificates of %s: name the serial number", c.Certificate, len(issued), b.issuer.Subject)
		}
		return issued[0].SerialNumber, issued[0], nil
	}
	serial, err := certdb.ParseSerial(c.Certificate)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("%s is neither a file nor a serial number: %w", c.Certificate, err))
	}
	return serial, nil, nil
}
