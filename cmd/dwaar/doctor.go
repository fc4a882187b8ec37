package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"dwaar/cmd/dwaar/internal/doctor"
	"dwaar/cmd/dwaar/internal/server"
	"dwaar/proxy/admin"
)

type doctorCmd struct {
	configFlag
	adminFlags
	Timeout time.Duration `default:"10s" placeholder:"D" help:"For each check (default: ${default})."`
	JSON    bool          `help:"Print JSON."`
}

func (doctorCmd) Help() string {
	return `Looks at the Dwaarfile, at this machine and at those that dwaar has to ask, before a dwaar runs or beside one that does, and prints a line for each thing: ok, warn or fail, what it is, and why and what to do. Run it as the user that dwaar runs as.

Exit code 0 if nothing fails, 1 if something does, 2 if the Dwaarfile is bad; what can be looked at without it is looked at all the same.`
}

func (c doctorCmd) Run(a *app) error {
	if c.Timeout <= 0 {
		return usage(fmt.Errorf("--timeout: nothing can be found out in %v", c.Timeout))
	}
	patient, err := c.patient()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one ends it at once
	report := newReport(a, c.JSON)
	for f := range doctor.Run(ctx, c.Timeout, doctor.Checks(patient)) {
		report.add(f)
	}
	if err := report.end(); err != nil {
		return err
	}
	switch {
	case patient.Problems != nil:
		return usage(errTold)
	case report.failed > 0:
		return errTold
	}
	return nil
}

// patient is what the flags name.
func (c doctorCmd) patient() (p doctor.Patient, err error) {
	binary := readBuild()
	p = doctor.Patient{Dwaarfile: c.Config, Version: binary.version, Built: binary.at, DoorSaid: c.Admin != ""}
	if p.DataDir, err = c.dir(); err != nil {
		return p, err
	}
	p.Inspection, p.Problems = server.Inspect(c.Config)
	p.Door, err = c.door(p.Inspection)
	return p, err
}

// door is where the dwaar that runs listens: where the flags say, else where the Dwaarfile
// does. One that no dwaar could have is for the checks to tell.
func (c doctorCmd) door(seen *server.Inspection) (*admin.Client, error) {
	if c.Admin != "" {
		return c.client()
	}
	if cfg := seen.Config; cfg != nil {
		if cfg.Admin.Listen == admin.Off {
			return nil, nil
		}
		c.Admin, c.Token = cfg.Admin.Listen, cfg.Admin.Token
	}
	client, err := c.client()
	if err != nil {
		return nil, nil
	}
	return client, nil
}
