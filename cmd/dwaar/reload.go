package main

import (
	"context"
	"fmt"
	"path/filepath"
)

type reloadCmd struct {
	adminFlags
	Config string `short:"c" placeholder:"FILE" type:"file" help:"Read this file instead of the one dwaar has read before."`
}

func (reloadCmd) Help() string {
	return `Exit code 1 if the configuration is refused; its problems are printed and the running configuration stays.`
}

func (c reloadCmd) Run(a *app) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	path := c.Config
	if path != "" {
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
	}
	if err := client.Reload(context.Background(), path); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "reloaded")
	return nil
}
