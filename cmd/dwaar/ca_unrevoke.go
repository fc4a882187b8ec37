package main

import (
	"context"
	"errors"
	"fmt"

	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

type caUnrevokeCmd struct {
	caFlags
	certificateArg
}

func (caUnrevokeCmd) Help() string {
	return `Only a certificate that was revoked with the reason certificateHold becomes good again (RFC 5280 section 5.3.1).`
}

func (c caUnrevokeCmd) Run(a *app) error {
	return c.with(certdb.Use, func(ctx context.Context, b *books) error { return c.unrevoke(ctx, a, b) })
}

func (c caUnrevokeCmd) unrevoke(ctx context.Context, a *app, b *books) error {
	serial, _, err := c.find(b)
	if err != nil {
		return err
	}
	changed, err := b.Unrevoke(ctx, b.issuer, serial)
	switch {
	case errors.Is(err, responder.ErrNoRecord):
		return b.notIssued(serial)
	case err != nil:
		return err
	case !changed:
		fmt.Fprintf(a.stdout, "%s was good already\n", certdb.FormatSerial(serial))
	default:
		fmt.Fprintf(a.stdout, "%s is good again\n", certdb.FormatSerial(serial))
	}
	return nil
}
