package main

import (
	"fmt"

	"dwaar/cmd/dwaar/internal/server"
)

// configFlag says which Dwaarfile is meant.
type configFlag struct {
	Config string `short:"c" default:"Dwaarfile" placeholder:"FILE" type:"file" help:"The Dwaarfile (default: ${default})."`
}

type validateCmd struct{ configFlag }

func (validateCmd) Help() string {
	return `Prints every problem as file:line:col: message and ends with exit code 2 if there is one. It opens the certificates and keys too, but no port and no network connection.`
}

func (c validateCmd) Run(a *app) error {
	warnings, err := server.Check(c.Config)
	a.warn(warnings)
	if err != nil {
		return badDwaarfile(c.Config+" is not valid", err)
	}
	fmt.Fprintf(a.stdout, "%s is valid\n", c.Config)
	return nil
}
