package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

type stopCmd struct{ adminFlags }

func (stopCmd) Help() string {
	return `Returns when dwaar has stopped; open requests have the grace_period of the Dwaarfile before that.`
}

func (c stopCmd) Run(a *app) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := client.Stop(ctx); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "stopped")
	return nil
}
