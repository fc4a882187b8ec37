package main

import (
	"context"
	"fmt"

	"dwaar/ocspsvc/certdb"
)

type caAddCmd struct {
	caFlags
	Certs []string `arg:"" name:"chain" help:"Files with certificates (PEM or DER); of a chain those count that the CA has issued."`
}

func (caAddCmd) Help() string {
	return `All of them are added, or none. What is there already stays as it is. The database is made if it is not there.`
}

func (c caAddCmd) Run(a *app) error {
	return c.with(certdb.Create, func(ctx context.Context, b *books) error { return c.add(ctx, a, b) })
}

func (c caAddCmd) add(ctx context.Context, a *app, b *books) error {
	var all []certdb.Certificate
	for _, path := range c.Certs {
		issued, err := b.issuedIn(path)
		if err != nil {
			return err
		}
		for _, cert := range issued {
			all = append(all, certdb.Of(cert))
		}
	}
	tally, err := b.Add(ctx, b.issuer, all...)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, tallied(tally))
	return nil
}

// tallied is a tally in words.
func tallied(t certdb.Tally) string {
	text := fmt.Sprintf("%d added, %d were there", t.Added, t.Unchanged+t.Kept)
	if t.Changed > 0 {
		text += fmt.Sprintf(", %d changed", t.Changed)
	}
	if t.Kept > 0 {
		text += fmt.Sprintf(" (%d of them revoked, and they stay so)", t.Kept)
	}
	return text
}
