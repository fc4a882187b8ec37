package relay_test

import (
	"log/slog"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

func TestEverySettingThatIsWrongIsNamed(t *testing.T) {
	for problem, cfg := range map[string]relay.Config{
		"issuer: name the certificate of a CA":           {},
		"issuer: name the file of its certificate":       {Issuers: []relay.Issuer{{Responder: "http://ocsp.example/"}}},
		"issuer a.pem: responder: \"ocsp.example\"":      {Issuers: []relay.Issuer{{Certificate: "a.pem", Responder: "ocsp.example"}}},
		"issuer b.pem: responder: \"ldap://a/\"":         {Issuers: []relay.Issuer{{Certificate: "b.pem", Responder: "ldap://a/"}}},
		"issuer c.pem: responder: \"http://u:p@a/\"":     {Issuers: []relay.Issuer{{Certificate: "c.pem", Responder: "http://u:p@a/"}}},
		"issuer d.pem: responder: parse":                 {Issuers: []relay.Issuer{{Certificate: "d.pem", Responder: "http://[/"}}},
		"issuer e.pem: nothing says where its responder": {Issuers: []relay.Issuer{{Certificate: "e.pem"}}},
		"certificates: \"[\" is no pattern":              {Certificates: []string{"["}},
		"timeout: -1ns is not between":                   {Certificates: []string{"*"}, Timeout: -1},
		"entries: -1 is not between":                     {Certificates: []string{"*"}, Limits: relay.Limits{Entries: -1}},
		"bytes: -1 is not between":                       {Certificates: []string{"*"}, Limits: relay.Limits{Bytes: -1}},
		"stored: -1 is not between":                      {Certificates: []string{"*"}, Limits: relay.Limits{Stored: -1}},
		"waiting: 1000001 is not between 1 and 1000000":  {Certificates: []string{"*"}, Limits: relay.Limits{Waiting: 1_000_001}},
		"passing: -1 is not between":                     {Certificates: []string{"*"}, Limits: relay.Limits{Passing: -1}},
	} {
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("Check = %v, want %s", err, problem)
		}
	}
	both := relay.Config{Timeout: -1, Limits: relay.Limits{Passing: -1}}
	if err := both.Check(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all problems are named: %v", err)
	}
}

func TestNewReadsTheIssuers(t *testing.T) {
	d := prepare(t)
	leaf := d.file("leaf.pem", ocsptest.CertPEM(d.ca.Leaf(t).Cert))
	empty := d.file("empty.pem", nil)
	d.cfg.Issuers, d.cfg.Certificates = []relay.Issuer{{Certificate: d.dir + "/missing.pem"}, {Certificate: leaf}, {Certificate: empty}}, []string{"*.pem"}
	_, err := d.make()
	for _, problem := range []string{"missing.pem", "is not a CA", "holds no certificate"} {
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("New = %v, want %s", err, problem)
		}
	}
	if _, err := relay.New(d.cfg, nil, nil, slog.Default()); err == nil {
		t.Error("a relay that asks nobody")
	}
}

// The first to ask after a start finds issuers and responders known.
func TestNewReadsTheCertificatesToPrefetch(t *testing.T) {
	d := prepare(t)
	leaf := d.ca.Leaf(t, ocsptest.OCSP("http://ocsp.example/aia"))
	d.cfg.Issuers, d.cfg.Certificates = nil, []string{d.file("chain.pem", ocsptest.CertPEM(leaf.Cert, d.ca.Cert))}
	r, err := d.make()
	if err != nil {
		t.Fatal(err)
	}
	status := r.Status()
	if status.Prefetched != 1 || len(status.Issuers) != 1 || status.Issuers[0].Responders[0] != "http://ocsp.example/aia" {
		t.Errorf("status before Run: %+v", status)
	}
}

func TestStatusSaysHowItStandsWithEachResponder(t *testing.T) {
	d := newDesk(t)
	d.ask(d.ca.Leaf(t))
	status := d.relay.Status()
	if len(status.Issuers) != 1 || status.Asked != 1 || status.Issuers[0].Responders[0] != "http://ocsp.example/" || status.Issuers[0].Error != "" {
		t.Errorf("status: %+v", status)
	}
	d.down()
	d.ask(d.ca.Leaf(t))
	status = d.relay.Status()
	if status.Issuers[0].Since == nil || !strings.Contains(status.Issuers[0].Error, "refused") || d.count("responders_down") != 1 {
		t.Errorf("status in an outage: %+v", status.Issuers)
	}
}
