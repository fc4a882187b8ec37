package main

import (
	"context"
	"crypto"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"dwaar/ocspsvc/certdb"
)

type caCRLCmd struct {
	caFlags
	Out        string        `required:"" placeholder:"FILE" type:"file" help:"The file."`
	Key        string        `placeholder:"FILE" type:"file" help:"The private key of the CA (PEM; default: it is in the file of --issuer)."`
	NextUpdate time.Duration `default:"7d" placeholder:"D" help:"How long the list is valid."`
	DER        bool          `name:"der" help:"Write DER, as lists on web servers have to be, and not PEM."`
}

func (caCRLCmd) Help() string {
	return `The list has all certificates that are revoked, until 30 days after they have expired. Its number is higher than that of the one before. The file is replaced at once: whoever reads it sees the old list or the new one.`
}

// Validate is called by kong.
func (c caCRLCmd) Validate() error {
	if c.NextUpdate < time.Minute {
		return errors.New("--next-update: a list is valid for a minute at least")
	}
	return c.caFlags.Validate()
}

func (c caCRLCmd) Run(a *app) error {
	return c.with(certdb.Use, func(ctx context.Context, b *books) error { return c.sign(ctx, a, b) })
}

func (c caCRLCmd) sign(ctx context.Context, a *app, b *books) error {
	key, err := c.key(b)
	if err != nil {
		return err
	}
	der, n, err := b.RevocationList(ctx, b.issuer, key, c.NextUpdate)
	if err != nil {
		return err
	}
	if !c.DER {
		der = pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	}
	if err := replaceFile(c.Out, der); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s lists %d certificates, until %s\n", c.Out, n, when(time.Now().Add(c.NextUpdate)))
	return nil
}

// key reads the key that belongs to the issuer's certificate.
func (c caCRLCmd) key(b *books) (crypto.Signer, error) {
	path := c.Key
	if path == "" {
		path = c.Issuer
	}
	raw, err := readBounded(path, maxFile)
	if err != nil {
		return nil, err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.issuer.Raw})
	pair, err := tls.X509KeyPair(cert, raw)
	if err != nil {
		return nil, fmt.Errorf("%s is not the private key of %s: %w", path, b.issuer.Subject, err)
	}
	return pair.PrivateKey.(crypto.Signer), nil
}
