package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"dwaar/ocspsvc/certdb"
)

type caExportCmd struct {
	caFlags
	Index bool   `required:"" help:"As the index.txt of openssl ca, which openssl ocsp -index reads."`
	Out   string `placeholder:"FILE" type:"file" help:"The file (default: standard output). Beside it comes a file with .attr at the end, without which openssl wants every subject to be unique."`
}

func (caExportCmd) Help() string {
	return `openssl knows no privilegeWithdrawn and no aACompromise: certificates revoked for these are written without a reason. An expiry that is not known, as of those imported from a CRL, is written as the year 9999.`
}

// indexAttributes lets several certificates have the same subject.
const indexAttributes = "unique_subject = no\n"

func (c caExportCmd) Run(a *app) error {
	return c.with(certdb.Use, func(ctx context.Context, b *books) error { return c.export(ctx, a, b) })
}

func (c caExportCmd) export(ctx context.Context, a *app, b *books) error {
	var text bytes.Buffer
	var w io.Writer = &text
	without := 0
	for cert, err := range b.all(ctx) {
		if err != nil {
			return err
		}
		if cert.Status == 0 {
			return fmt.Errorf("the record of serial %s contradicts itself: put it right first", certdb.FormatSerial(cert.Serial))
		}
		whole, err := certdb.WriteIndex(w, cert)
		if err != nil {
			return err
		}
		if !whole {
			without++
		}
	}
	if without > 0 {
		fmt.Fprintf(a.stderr, "%d certificates are written without their reason, which openssl does not know\n", without)
	}
	if c.Out == "" {
		_, err := a.stdout.Write(text.Bytes())
		return err
	}
	return errors.Join(replaceFile(c.Out+".attr", []byte(indexAttributes)), replaceFile(c.Out, text.Bytes()))
}
