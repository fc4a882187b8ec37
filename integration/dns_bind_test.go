package integration

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"dwaar/acme/dns"
	"dwaar/acme/issuing"
	"dwaar/integration/internal/bind"
	"dwaar/integration/internal/pebble"
)

const tsigSecret = "bm90IHNlY3JldCBhdCBhbGwsIGFzIGl0IGlzIHRoZSB0ZXN0J3M="

// bindKeys are one key for each algorithm.
func bindKeys() (keys []bind.Key) {
	for _, algorithm := range []string{"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"} {
		keys = append(keys, bind.Key{Name: "key-" + algorithm, Algorithm: algorithm, Secret: tsigSecret})
	}
	return keys
}

func updatesOf(server *bind.Server) dns.RFC2136Config {
	return dns.RFC2136Config{Server: server.Addr(), KeyName: "key-hmac-sha256", KeySecret: tsigSecret}
}

func challengeOf(value string) []libdns.Record {
	return []libdns.Record{libdns.TXT{Name: "_acme-challenge.www", Text: value}}
}

// A1: values come and go one by one, in the zone the server says, by any TSIG algorithm.
func TestRFC2136UpdatesBIND(t *testing.T) {
	t.Parallel()
	server := bind.Start(t, bindKeys(), "example.test", "sub.example.test")
	for _, key := range bindKeys() {
		p := must(t)(dns.NewRFC2136(dns.RFC2136Config{Server: server.Addr(), KeyName: key.Name, KeyAlgorithm: key.Algorithm, KeySecret: tsigSecret})).(*dns.RFC2136)
		for _, zone := range []string{"example.test.", "sub.example.test."} {
			// The solver's idea of the zone is wrong on purpose: relative to it the name is the same.
			record := challengeOf(key.Algorithm)
			if zone == "sub.example.test." {
				record = []libdns.Record{libdns.TXT{Name: "_acme-challenge.www.sub", Text: key.Algorithm}}
			}
			must(t)(p.AppendRecords(t.Context(), "example.test.", record))
			if got := server.TXT("_acme-challenge.www." + zone); !slices.Contains(got, key.Algorithm) {
				t.Errorf("%s: %s holds %q", key.Algorithm, zone, got)
			}
		}
	}
	p := must(t)(dns.NewRFC2136(updatesOf(server))).(*dns.RFC2136)
	for range 2 {
		must(t)(p.DeleteRecords(t.Context(), "example.test.", challengeOf("hmac-sha1")))
		want := []string{"hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"}
		if got := server.TXT("_acme-challenge.www.example.test"); !slices.Equal(got, want) {
			t.Errorf("after deleting hmac-sha1: %q, want the others", got)
		}
	}
}

// A1: what BIND refuses is said with BIND's word.
func TestBINDsRefusalsAreTold(t *testing.T) {
	t.Parallel()
	server := bind.Start(t, bindKeys(), "example.test")
	for want, change := range map[string]func(*dns.RFC2136Config){
		"TSIG key nobody.: BADKEY":                                              func(c *dns.RFC2136Config) { c.KeyName = "nobody" },
		"TSIG key key-hmac-sha256.: BADSIG":                                     func(c *dns.RFC2136Config) { c.KeySecret = "b3RoZXI=" },
		"TSIG key key-hmac-sha256.: BADKEY":                                     func(c *dns.RFC2136Config) { c.KeyAlgorithm = "hmac-sha512" },
		"in the zone example.test.: " + server.Addr() + " answers REFUSED":      func(c *dns.RFC2136Config) { c.KeyName, c.KeySecret = "", "" },
		"in the zone test.: asking " + server.Addr() + ": udp: answers NOTAUTH": func(c *dns.RFC2136Config) { c.Zone = "test" },
	} {
		c := updatesOf(server)
		change(&c)
		p := must(t)(dns.NewRFC2136(c)).(*dns.RFC2136)
		_, err := p.AppendRecords(t.Context(), "example.test.", challengeOf("refused"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	p := must(t)(dns.NewRFC2136(updatesOf(server))).(*dns.RFC2136)
	_, err := p.AppendRecords(t.Context(), "elsewhere.test.", challengeOf("refused"))
	if want := "finding the zone of _acme-challenge.www.elsewhere.test.: " + server.Addr() + " answers REFUSED"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if got := server.TXT("_acme-challenge.www.example.test"); len(got) != 0 {
		t.Errorf("%q was added all the same", got)
	}
}

// A1: a wildcard by DNS-01. Pebble asks BIND for the record; afterwards it is gone.
func TestAWildcardIsProvedByDNS01(t *testing.T) {
	t.Parallel()
	server := bind.Start(t, bindKeys(), "example.test")
	ca := pebble.Start(t, pebble.Config{Resolver: server.Addr(), NonceReject: 30})
	office := newOffice(t, t.TempDir(), issuing.Options{NoHTTP01: true, NoTLSALPN01: true})
	for _, name := range []string{"*.example.test", "www.example.test"} {
		p := byDNS(policy(ca, name), server, updatesOf(server))
		cert, err := office.Obtain(aMinute(t), p, name)
		if err != nil {
			t.Fatal(err)
		}
		judge(t, ca, cert, strings.Replace(name, "*", "any", 1))
		at := "_acme-challenge." + strings.TrimPrefix(name, "*.")
		if got := server.TXT(at); len(got) != 0 {
			t.Errorf("%s still holds %q", at, got)
		}
		if !strings.Contains(server.Log(), "adding an RR at '"+at+"' TXT") {
			t.Errorf("BIND was not told of %s:\n%s", at, server.Log())
		}
	}
}

// A1: the record is removed also when the CA does not like what it sees: here it asks a
// server that has none.
func TestTheRecordIsRemovedAfterAFailure(t *testing.T) {
	t.Parallel()
	server := bind.Start(t, bindKeys(), "example.test")
	other := bind.Start(t, nil, "example.test")
	ca := pebble.Start(t, pebble.Config{Resolver: other.Addr()})
	office := newOffice(t, t.TempDir(), issuing.Options{NoHTTP01: true, NoTLSALPN01: true})
	p := byDNS(policy(ca, "*.example.test"), server, updatesOf(server))
	if cert, err := office.Obtain(aMinute(t), p, "*.example.test"); err == nil {
		t.Errorf("a certificate without proof: %v", cert.Leaf.DNSNames)
	}
	if !strings.Contains(server.Log(), "adding an RR at '_acme-challenge.example.test' TXT") {
		t.Errorf("BIND was not told of the record; the test has lost its subject:\n%s", server.Log())
	}
	if got := server.TXT("_acme-challenge.example.test"); len(got) != 0 {
		t.Errorf("%q is left behind", got)
	}
}

// byDNS has p proved by updates of a server, which is also asked whether it knows them.
func byDNS(p issuing.Policy, server *bind.Server, updates dns.RFC2136Config) issuing.Policy {
	p.DNS = &issuing.DNSConfig{
		Config:    dns.Config{RFC2136: &updates},
		Resolvers: []string{server.Addr()}, PropagationTimeout: 20 * time.Second,
	}
	return p
}
