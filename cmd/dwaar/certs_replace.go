package main

import (
	"context"

	"dwaar/proxy/admin"
)

type certsRenewCmd struct {
	adminFlags
	nameArg
}

func (certsRenewCmd) Help() string {
	return `Waits until the new certificate serves. Exit code 1 with the reason if there is none; the old one then stays.`
}

func (c certsRenewCmd) Run(a *app) error {
	return a.replace(c.adminFlags, c.nameArg, (*admin.Client).Renew)
}

type certsReissueCmd struct {
	adminFlags
	nameArg
}

func (certsReissueCmd) Help() string {
	return `For a certificate or key that is not to be trusted any more: a new certificate with another key. Waits until it serves. Exit code 1 with the reason if there is none; the old one then stays. To have the old one refused by others too, revoke it at its CA.`
}

func (c certsReissueCmd) Run(a *app) error {
	return a.replace(c.adminFlags, c.nameArg, (*admin.Client).Reissue)
}

// replace has dwaar get new certificates for a name, and prints them.
func (a *app) replace(f adminFlags, name nameArg, ask func(*admin.Client, context.Context, string) ([]admin.Certificate, error)) error {
	if err := name.check(); err != nil {
		return err
	}
	client, err := f.client()
	if err != nil {
		return err
	}
	certs, err := ask(client, context.Background(), name.Name)
	if err != nil {
		return err
	}
	return a.listCertificates(certs)
}
