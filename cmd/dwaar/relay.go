package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"dwaar/cmd/dwaar/internal/alone"
	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/cmd/dwaar/internal/relays"
	"dwaar/netguard"
	"dwaar/ocspsvc/relay"
	"dwaar/secret"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
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

	Redis           string   `placeholder:"URL" help:"A Redis or Valkey server on which several relays keep their answers, like redis://USER:PASSWORD@HOST:6379/0, or rediss:// or unix://; or env:NAME or file:FILE that holds one of these."`
	RedisKeyPrefix  string   `placeholder:"PREFIX" help:"How the names of its keys begin (default: dwaar:)."`
	RedisCA         string   `name:"redis-ca" placeholder:"FILE" help:"The CA of a rediss:// server (default: the system's)."`
	RedisCert       string   `placeholder:"FILE" help:"The certificate that it wants from its clients."`
	RedisKey        string   `placeholder:"FILE" help:"The key of --redis-cert."`
	RedisServerName string   `placeholder:"NAME" help:"The name in its certificate (default: the host of --redis)."`
	EncryptionKey   []string `placeholder:"KEY" sep:"none" help:"Encrypts what is stored on it: 32 octets in base64 or hex, as env:NAME or file:FILE. Several for old keys, which only decrypt."`

	Metrics string `placeholder:"ADDRESS" help:"Where /metrics and /readyz are shown (default: nowhere)."`
	Debug   bool   `help:"Log at level debug."`
}

func (relayCmd) Help() string {
	return `The directive ocsp_relay without a Dwaarfile: clients ask it as a responder at its own URL, or as a proxy. Answers are kept in the data directory, and with --redis on a server that other relays use, too: then all of them together ask once for each answer.

SIGTERM and SIGINT stop it after its open requests, a second one at once. SIGHUP and SIGUSR1 make it read the files of --issuer again; bad ones change nothing. Under systemd (Type=notify or notify-reload) it tells when it is ready, reloads and stops.

A password on the command line can be read by everybody on this machine: write --redis env:NAME or file:FILE.`
}

// Validate is called by kong: a wrong command line, not a failure.
func (c relayCmd) Validate() error {
	if slices.Contains(slices.Concat(c.Issuer, c.Certificates), "") {
		return errNoFile
	}
	cfg := c.config()
	_, err := netguard.New(cfg.Guard)
	return errors.Join(checkAddresses(c.Listen, c.Metrics), cfg.Relay.Check(), err, c.checkRedis())
}

// checkRedis refuses what would say nothing.
func (c relayCmd) checkRedis() error {
	if c.Redis != "" {
		return named("--redis", c.cluster().Redis.Check())
	}
	if c.RedisKeyPrefix+c.RedisCA+c.RedisCert+c.RedisKey+c.RedisServerName != "" || len(c.EncryptionKey) > 0 {
		return errors.New("--redis is missing: the flags --redis-… and --encryption-key are about it")
	}
	return nil
}

func named(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", flag, err)
}

func (c relayCmd) cluster() cluster.Config {
	cfg := cluster.Config{Redis: redis.Config{
		URL: redis.URL(c.Redis), KeyPrefix: c.RedisKeyPrefix,
		TLS: redis.TLS{CAFile: c.RedisCA, CertFile: c.RedisCert, KeyFile: c.RedisKey, ServerName: c.RedisServerName},
	}}
	for _, key := range c.EncryptionKey {
		cfg.EncryptionKeys = append(cfg.EncryptionKeys, secret.Value(key))
	}
	return cfg
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
	return a.serveAlone(c.Debug, func(ready func(), log *slog.Logger) (service, error) {
		opts := alone.Options{Listen: c.Listen, Metrics: c.Metrics, Longest: c.Timeout, Ready: ready}
		if c.Redis != "" {
			shared, err := cluster.Open(c.cluster(), dir, log)
			if err != nil {
				return nil, named("--redis", err)
			}
			return relays.NewSharing(c.config(), shared, opts, log), nil
		}
		files, err := storage.NewFileSystem(dir)
		if err != nil {
			return nil, err
		}
		return relays.NewServer(c.config(), files, opts, log), nil
	})
}
