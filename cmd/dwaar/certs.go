package main

import (
	"context"
	"errors"
	"fmt"

	"dwaar/proxy/admin"
)

type certsCmd struct {
	List    certsListCmd    `cmd:"" help:"List the certificates."`
	Show    certsShowCmd    `cmd:"" help:"Print everything about the certificates of a name."`
	Renew   certsRenewCmd   `cmd:"" help:"Get a new certificate for a name now."`
	Reissue certsReissueCmd `cmd:"" help:"The same, with another key for certain."`
}

type certsListCmd struct {
	adminFlags
	JSON bool `help:"Print JSON."`
}

func (c certsListCmd) Run(a *app) error {
	certs, err := fetchCertificates(c.adminFlags, "")
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(map[string]any{"certificates": certs})
	}
	return a.listCertificates(certs)
}

func (a *app) listCertificates(certs []admin.Certificate) error {
	t := newTable(a.stdout, "NAMES", "SOURCE", "ISSUER", "SERIAL", "NOT AFTER", "STAPLE")
	for _, cert := range certs {
		t.row(names(cert.Names), cert.Source, orDash(cert.Issuer), orDash(cert.Serial), when(cert.NotAfter), cert.Staple.State)
	}
	return t.flush()
}

type certsShowCmd struct {
	adminFlags
	nameArg
	JSON bool `help:"Print JSON."`
}

func (c certsShowCmd) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	certs, err := fetchCertificates(c.adminFlags, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(map[string]any{"certificates": certs})
	}
	for i, cert := range certs {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if err := a.showCertificate(cert); err != nil {
			return err
		}
	}
	return nil
}

// nameArg is the certificate a command is about.
type nameArg struct {
	Name string `arg:"" help:"A name, or the SHA-256 fingerprint of a certificate."`
}

// check refuses what an unset variable of a shell leaves: it would mean every
// certificate, or none.
func (n nameArg) check() error {
	if n.Name == "" {
		return usage(errors.New("the name is empty: `dwaar certs list` shows what there is"))
	}
	return nil
}

func fetchCertificates(f adminFlags, name string) ([]admin.Certificate, error) {
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	return client.Certificates(context.Background(), name)
}
