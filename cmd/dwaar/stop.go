package main

import (
	"context"
	"fmt"
)

type stopCmd struct{ adminFlags }

func (stopCmd) Help() string {
	return `Returns when dwaar has agreed; open requests still have the grace_period of the Dwaarfile.`
}

func (c stopCmd) Run(a *app) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.Stop(context.Background()); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "stopping")
	return nil
}
