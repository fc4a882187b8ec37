package acme_test

import (
	"strings"
	"testing"

	"dwaar/acme"
)

func TestConfigsThatAreRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*acme.Config){
		`acme: concurrent must not be negative, is -1`:                      func(c *acme.Config) { c.Concurrent = -1 },
		`acme: timeout must not be negative, is -1ns`:                       func(c *acme.Config) { c.Timeout = -1 },
		`acme: reissue_burst must not be negative, is -1`:                   func(c *acme.Config) { c.ReissueBurst = -1 },
		`acme: reissue_every must not be negative, is -1ns`:                 func(c *acme.Config) { c.ReissueEvery = -1 },
		`acme: a.example: there is no issuer`:                               func(c *acme.Config) { c.Policies[0].Issuers = nil },
		`acme: "A.example" is not a name for a certificate`:                 func(c *acme.Config) { c.Policies[0].Names[0] = "A.example" },
		`acme: "a..example" is not a name for a certificate`:                func(c *acme.Config) { c.Policies[0].Names[0] = "a..example" },
		`acme: a.example is in two policies`:                                func(c *acme.Config) { c.Policies = append(c.Policies, policy("a.example")) },
		`acme: on_demand: concurrent must not be negative, is -1`:           func(c *acme.Config) { c.OnDemand.Concurrent = -1 },
		`acme: on_demand: waiting must not be negative, is -1`:              func(c *acme.Config) { c.OnDemand.Waiting = -1 },
		`acme: on_demand: keep must not be negative, is -1`:                 func(c *acme.Config) { c.OnDemand.Keep = -1 },
		`acme: on_demand: ask "ftp://x" is not an http or https URL`:        func(c *acme.Config) { c.OnDemand.Ask = "ftp://x" },
		`acme: on_demand: ask "" is not an http or https URL`:               func(c *acme.Config) { c.OnDemand.Ask = "" },
		`acme: on_demand: there is no policy`:                               func(c *acme.Config) { c.OnDemand.Policies = nil },
		`acme: on_demand: ["" "*.b.example"]: there is no issuer`:           func(c *acme.Config) { c.OnDemand.Policies[0].Issuers = nil },
		`acme: on_demand: "*.*.example" is not a pattern of names`:          func(c *acme.Config) { c.OnDemand.Policies[0].Names[0] = "*.*.example" },
		"acme: concurrent must not be negative, is -1\nacme: timeout must ": func(c *acme.Config) { c.Concurrent, c.Timeout = -1, -1 },
	} {
		cfg := demanding("", "*.b.example")
		cfg.Policies = []acme.Policy{policy("a.example")}
		if err := cfg.Check(); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check = %v, want %s", err, want)
		}
		if _, err := acme.New(cfg, newOffice(t), newBook(t).Logger); err == nil {
			t.Errorf("New accepts it: %s", want)
		}
	}
}

func TestNewWantsAnIssuerAndALog(t *testing.T) {
	t.Parallel()
	if _, err := acme.New(sites("a.example"), nil, nil); err == nil || err.Error() != "acme: an issuer and a log are needed" {
		t.Errorf("New = %v", err)
	}
}
