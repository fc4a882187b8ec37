package main

import (
	"context"
	"fmt"
)

type ocspFetchCmd struct {
	Cert   string   `required:"" placeholder:"FILE" type:"file" help:"The certificate with its chain (PEM), in any order."`
	Issuer string   `placeholder:"FILE" type:"file" help:"The certificate of its issuer, if it is not in the chain (default: fetched from the leaf's caIssuers address)."`
	URL    string   `name:"url" placeholder:"URL" help:"The responder to ask instead of the certificate's own."`
	Allow  []string `placeholder:"NET" help:"A network, address or host that may be asked although it is private, like 10.20.0.0/16 (repeatable)."`
	Out    string   `placeholder:"FILE" type:"file" help:"Write the response (DER) here, for nginx's ssl_stapling_file or as HAProxy's .ocsp. Only a verified good is written; otherwise the old file stays."`
	JSON   bool     `help:"Print the verdict as JSON."`
}

func (ocspFetchCmd) Help() string {
	return `Addresses that a certificate should not be able to make dwaar talk to (loopback, private, metadata, …) are refused unless --allow names them. Exit code 0 only for a valid good.`
}

func (c ocspFetchCmd) Run(a *app) error {
	q := question{cert: c.Cert, issuer: c.Issuer, url: c.URL, allow: c.Allow}
	answer, err := q.ask(context.Background())
	if answer == nil {
		return err
	}
	if err := a.verdict(answer.verdict, err, c.JSON, answer.facts()...); err != nil {
		return err
	}
	if c.Out == "" {
		return nil
	}
	if err := replaceFile(c.Out, answer.response.Raw); err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(a.stdout, "written to %s (%d bytes)\n", c.Out, len(answer.response.Raw))
	}
	return nil
}
