package main

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"dwaar/cmd/dwaar/internal/alone"
	"dwaar/cmd/dwaar/internal/relays"
	"dwaar/netguard"
	"dwaar/ocspsvc/relay"
	"dwaar/tlsstore/storage"
)

type relayCmd struct {
	Issuer       []string      `placeholder:"FILE=URL" sep:"none" help:"The certificate of a CA whose certificates may be asked about, and its responder; without =URL that is learnt from --certificates. Several for several CAs."`
	Certificates []string      `placeholder:"PATTERN" sep:"none" help:"Files with certificates whose answers are there before anybody asks, like '/etc/ssl/*.pem'."`
	Listen       string        `default:"127.0.0.1:8888" placeholder:"ADDRESS" help:"Where clients ask (default: ${default})."`
	Allow        []string      `placeholder:"NET" help:"A network, address or host where responders may be although it is private, like 10.20.0.0/16 (repeatable)."`
	Timeout      time.Duration `placeholder:"DURATION" help:"How long who asks may wait (default: 8s)."`
	dataFlag

	Entries     int   `placeholder:"N" help:"How many answers that clients asked for stay in memory (default: 100000)."`
	Bytes       int64 `placeholder:"N" help:"How many bytes of memory they may take (default: 268435456)."`
	Stored      int   `placeholder:"N" help:"How many answers are kept in storage (default: 100000)."`
	Waiting     int   `placeholder:"N" help:"How many clients may wait for responders (default: 10000)."`
	UnknownRate int   `placeholder:"N" help:"How many certificates in a second a responder is asked about that it does not know (default: 10)."`
	Passing     int   `placeholder:"N" help:"How many requests that no kept answer fits may be with responders (default: 32)."`
	PassingRate int   `placeholder:"N" help:"How many of them are passed on to a responder in a second (default: 20)."`

	Metrics string `placeholder:"ADDRESS" help:"Where /metrics and /readyz are shown (default: nowhere)."`
	Debug   bool   `help:"Log at level debug."`
}

func (relayCmd) Help() string {
	return `The directive ocsp_relay without a Dwaarfile: clients ask it as a responder at its own URL, or as a proxy. Answers are kept in the data directory.

SIGTERM and SIGINT stop it after its open requests, a second one at once. SIGHUP and SIGUSR1 make it read the files of --issuer again; bad ones change nothing. Under systemd (Type=notify or notify-reload) it tells when it is ready, reloads and stops.`
}

// Validate is called by kong: a wrong command line, not a failure.
func (c relayCmd) Validate() error {
	if slices.Contains(slices.Concat(c.Issuer, c.Certificates), "") {
		return errNoFile
	}
	cfg := c.config()
	_, err := netguard.New(cfg.Guard)
	return errors.Join(checkAddresses(c.Listen, c.Metrics), cfg.Relay.Check(), err)
}

func (c relayCmd) config() relays.Config {
	cfg := relays.Config{
		Relay: relay.Config{
			Certificates: c.Certificates, Timeout: c.Timeout,
			Limits: relay.Limits{
				Entries: c.Entries, Bytes: c.Bytes, Stored: c.Stored, Waiting: c.Waiting,
				UnknownRate: c.UnknownRate, Passing: c.Passing, PassingRate: c.PassingRate,
			},
		},
		Guard: netguard.Config{Allow: c.Allow},
	}
	for _, issuer := range c.Issuer {
		file, url, _ := strings.Cut(issuer, "=")
		cfg.Relay.Issuers = append(cfg.Relay.Issuers, relay.Issuer{Certificate: file, Responder: url})
	}
	return cfg
}

func (c relayCmd) Run(a *app) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	files, err := storage.NewFileSystem(dir)
	if err != nil {
		return err
	}
	return a.serveAlone(c.Debug, func(ready func(), log *slog.Logger) service {
		return relays.NewServer(c.config(), files, alone.Options{Listen: c.Listen, Metrics: c.Metrics, Longest: c.Timeout, Ready: ready}, log)
	})
}
