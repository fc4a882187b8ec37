package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"dwaar/cmd/dwaar/internal/alone"
	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

type responderCmd struct {
	Issuer   []string `required:"" placeholder:"FILE" sep:"none" help:"The certificate of the CA to answer for; several for several CAs."`
	Signer   []string `required:"" placeholder:"FILE" sep:"none" help:"The certificate that signs: the CA's own, or one of the CA for OCSP signing."`
	Key      []string `required:"" placeholder:"FILE" sep:"none" help:"The key of --signer; as many as there are signers, in the same order."`
	Database string   `required:"" placeholder:"DB" type:"file" env:"DWAAR_DATABASE" help:"sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME, mysql://USER:PASSWORD@HOST/NAME, index:FILE, crl:FILE, or env:NAME or file:FILE that holds one of these."`
	Listen   string   `default:":9000" placeholder:"ADDRESS" help:"Where clients ask (default: ${default})."`

	Schema        string        `placeholder:"SCHEMA" help:"list_certs: the tables are those of another program."`
	Validity      time.Duration `placeholder:"DURATION" help:"How long an answer holds (default: 24h)."`
	Nonce         string        `placeholder:"POLICY" help:"optional, required or ignore (default: optional)."`
	Unissued      string        `placeholder:"POLICY" help:"What is said of a serial that is not in the database: unknown, unauthorized or revoked (default: unknown)."`
	ArchiveCutoff time.Duration `placeholder:"DURATION" help:"How long a certificate is answered for after its end (default: for ever)."`
	Presign       bool          `help:"Sign answers before anybody asks."`
	RequireSigned []string      `placeholder:"FILE" sep:"none" help:"Answer only requests that a certificate of these CAs has signed."`
	RSAPSS        bool          `name:"rsa-pss" help:"Sign by RSASSA-PSS where the key is RSA."`

	CertIDs      int   `name:"cert-ids" placeholder:"N" help:"How many certificates one request may ask about (default: 32)."`
	CacheEntries int   `placeholder:"N" help:"For how many certificates answers stay in memory (default: 100000)."`
	CacheBytes   int64 `placeholder:"N" help:"How many bytes of memory they may take (default: 268435456)."`
	Queue        int   `placeholder:"N" help:"How many signatures may wait for a processor (default: 256)."`
	UnissuedRate int   `placeholder:"N" help:"How many answers about unknown serials are signed in a second (default: 100)."`

	Metrics string `placeholder:"ADDRESS" help:"Where /metrics and /readyz are shown (default: nowhere)."`
	Debug   bool   `help:"Log at level debug."`
}

func (responderCmd) Help() string {
	return `The directive ocsp_responder without a Dwaarfile. dwaar ca fills the database.

SIGTERM and SIGINT stop it after its open requests, a second one at once. SIGHUP and SIGUSR1 make it read certificates and keys again; bad ones change nothing. Under systemd (Type=notify or notify-reload) it tells when it is ready, reloads and stops.

A password on the command line can be read by everybody on this machine: write --database env:NAME or file:FILE.`
}

// Validate is called by kong: a wrong command line, not a failure.
func (c responderCmd) Validate() error {
	if len(c.Issuer) == 0 || len(c.Signer) == 0 || len(c.Key) == 0 || c.Database == "" {
		return nil // kong says so itself
	}
	if slices.Contains(slices.Concat(c.Issuer, c.Signer, c.Key, c.RequireSigned), "") {
		return errNoFile
	}
	if len(c.Key) != len(c.Signer) {
		return fmt.Errorf("--signer: there are %d, and %d of --key: each has its own", len(c.Signer), len(c.Key))
	}
	cfg := c.config()
	return errors.Join(checkAddresses(c.Listen, c.Metrics), cfg.Answers.Check(), cfg.Records.Check())
}

func (c responderCmd) config() responders.Config {
	cfg := responders.Config{
		Answers: responder.Config{
			Issuers: c.Issuer, RSAPSS: c.RSAPSS, Validity: c.Validity, Nonce: responder.NoncePolicy(c.Nonce),
			Unissued: responder.UnissuedPolicy(c.Unissued), ArchiveCutoff: c.ArchiveCutoff, Presign: c.Presign, Requesters: c.RequireSigned,
			Limits: responder.Limits{
				CertIDs: c.CertIDs, CacheEntries: c.CacheEntries, CacheBytes: c.CacheBytes, Queue: c.Queue, UnissuedRate: c.UnissuedRate,
			},
		},
		Records: certdb.Config{Database: certdb.DSN(c.Database), Schema: c.Schema},
	}
	for i := range min(len(c.Signer), len(c.Key)) {
		cfg.Answers.Signers = append(cfg.Answers.Signers, responder.Pair{Certificate: c.Signer[i], Key: c.Key[i]})
	}
	return cfg
}

func (c responderCmd) Run(a *app) error {
	return a.serveAlone(c.Debug, func(ready func(), log *slog.Logger) (service, error) {
		return responders.NewServer(c.config(), alone.Options{Listen: c.Listen, Metrics: c.Metrics, Ready: ready}, log), nil
	})
}
