package main

import (
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

func (c caUnrevokeCmd) Run(a *app) (err error) {
	ctx, stop := untilStopped()
	defer stop()
	b, err := c.open(ctx, certdb.Use)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
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
