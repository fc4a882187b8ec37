package issuing_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"dwaar/acme/dns"
	"dwaar/acme/issuing"
)

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := func(change func(*issuing.Policy)) issuing.Policy {
		p := issuing.Policy{Names: []string{name}, Issuers: []issuing.IssuerConfig{{CA: issuing.LetsEncrypt}}}
		change(&p)
		return p
	}
	hook := dns.Config{RFC2136: &dns.RFC2136Config{Server: "192.0.2.53"}}
	for want, p := range map[string]issuing.Policy{
		"":                   good(func(*issuing.Policy) {}),
		"there is no issuer": good(func(p *issuing.Policy) { p.Issuers = nil }),
		`key_type "dsa" is not p256, p384, rsa2048, rsa4096 or ed25519`:       good(func(p *issuing.Policy) { p.KeyType = "dsa" }),
		`ca "http://ca.test/dir" is not an https URL`:                         good(func(p *issuing.Policy) { p.Issuers[0].CA = "http://ca.test/dir" }),
		`ca "" is not an https URL`:                                           good(func(p *issuing.Policy) { p.Issuers[0].CA = "" }),
		"the issuer internal takes no e-mail, roots or EAB":                   good(func(p *issuing.Policy) { p.Issuers[0] = issuing.IssuerConfig{CA: issuing.Internal, Email: "a@b.test"} }),
		"the EAB has no key ID":                                               good(func(p *issuing.Policy) { p.Issuers[0].EAB = &issuing.EAB{HMAC: "c2VjcmV0"} }),
		"the HMAC key of EAB kid is not base64url":                            good(func(p *issuing.Policy) { p.Issuers[0].EAB = &issuing.EAB{KeyID: "kid", HMAC: "s e c r e t"} }),
		"*.example.test: a wildcard needs dns-01":                             good(func(p *issuing.Policy) { p.Names = []string{"*.example.test"} }),
		"192.0.2.1: certificates for addresses come from the issuer internal": good(func(p *issuing.Policy) { p.Names = []string{"192.0.2.1"} }),
		"name a provider": good(func(p *issuing.Policy) { p.DNS = &issuing.DNSConfig{} }),
		"propagation_timeout must not be negative, is -1s": good(func(p *issuing.Policy) {
			p.DNS = &issuing.DNSConfig{Config: hook, PropagationTimeout: -time.Second}
		}),
	} {
		err := p.Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Check = %v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s e c r e t") {
			t.Errorf("the secret is in %q", err)
		}
	}
	wild := good(func(p *issuing.Policy) { p.Names, p.DNS = []string{"*.example.test"}, &issuing.DNSConfig{Config: hook} })
	local := good(func(p *issuing.Policy) {
		p.Names, p.Issuers[0].CA = []string{"*.localhost", "192.0.2.1", "::1"}, issuing.Internal
	})
	for _, p := range []issuing.Policy{wild, local} {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckReportsAllAtOnce(t *testing.T) {
	t.Parallel()
	err := issuing.Policy{KeyType: "dsa"}.Check()
	if err == nil || !strings.Contains(err.Error(), "no issuer") || !strings.Contains(err.Error(), "dsa") {
		t.Errorf("Check = %v", err)
	}
}

func TestAPolicyIsJSONWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(issuing.Policy{
		Names: []string{name},
		Issuers: []issuing.IssuerConfig{{
			CA: issuing.LetsEncrypt, EAB: &issuing.EAB{KeyID: "kid", HMAC: "aHVzaA"},
		}},
		DNS: &issuing.DNSConfig{
			Config:    dns.Config{RFC2136: &dns.RFC2136Config{Server: "192.0.2.53", KeyName: "k.", KeySecret: "aHVzaA"}},
			Resolvers: []string{"192.0.2.53"},
		},
	})
	want := `{"names":["` + name + `"],"issuers":[{"ca":"` + issuing.LetsEncrypt + `","eab":{"key_id":"kid","hmac":"REDACTED"}}],` +
		`"dns":{"rfc2136":{"server":"192.0.2.53","key_name":"k.","key_secret":"REDACTED"},"resolvers":["192.0.2.53"]}}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}

func TestAWrongPolicyIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	p := policy(ca)
	if _, err := open(t, t.TempDir()).Obtain(soon(t), p, "*.example.test"); err == nil || !strings.Contains(err.Error(), "a wildcard needs dns-01") {
		t.Errorf("Obtain = %v", err)
	}
	if n := len(ca.ordered()); n != 0 {
		t.Errorf("%d orders", n)
	}
}
