package main

import (
	"os"

	"dwaar/proxy/config"
)

type adaptCmd struct{ configFlag }

func (adaptCmd) Help() string {
	return `Opens the Dwaarfile and what it imports, and nothing else: no key, no port, no network connection. Secrets are redacted.`
}

func (c adaptCmd) Run(a *app) error {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return badDwaarfile(c.Config+" is not valid", err)
	}
	a.warn(lines(cfg.Warnings))
	out, err := config.Adapt(cfg)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(out)
	return err
}
