package dns_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libdns/libdns"
	miekg "github.com/miekg/dns"

	"dwaar/acme/dns"
)

const challenge = "_acme-challenge.www.example.com."

func (s *nameServer) config() dns.RFC2136Config {
	return dns.RFC2136Config{Server: s.addr, KeyName: "Dwaar-Key", KeySecret: secret, Timeout: 2 * time.Second}
}

func newProvider(t *testing.T, c dns.RFC2136Config) dns.Provider {
	t.Helper()
	p, err := dns.New(dns.Config{RFC2136: &c})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// record is what certmagic's solver passes.
func record(name, value string) []libdns.Record {
	return []libdns.Record{libdns.RR{Type: "TXT", Name: name, Data: value}}
}

func TestValuesAtOneNameComeAndGoSeparately(t *testing.T) {
	s := newNameServer(t)
	p := newProvider(t, s.config())
	for _, value := range []string{"one", "two"} { // example.com and *.example.com in one order
		got, err := p.AppendRecords(t.Context(), "example.com.", record("_acme-challenge.www", value))
		if err != nil {
			t.Fatal(err)
		}
		if rr := got[0].RR(); len(got) != 1 || rr.Data != value || rr.Name != "_acme-challenge.www" || rr.Type != "TXT" {
			t.Errorf("AppendRecords returns %v; the solver looks for the value it gave", got)
		}
	}
	if got := s.at(challenge); !slices.Equal(got, []string{"one", "two"}) {
		t.Fatalf("values = %q, want both", got)
	}
	for range 2 { // the second time there is nothing to delete
		if _, err := p.DeleteRecords(t.Context(), "example.com.", record("_acme-challenge.www", "one")); err != nil {
			t.Fatal(err)
		}
		if got := s.at(challenge); !slices.Equal(got, []string{"two"}) {
			t.Fatalf("after deleting one: %q", got)
		}
	}
}

func TestConcurrentChangesAllHappen(t *testing.T) {
	s := newNameServer(t)
	p := newProvider(t, s.config())
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := p.AppendRecords(t.Context(), "example.com.", record("_acme-challenge.www", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := s.at(challenge); len(got) != 20 {
		t.Errorf("%d of 20 values are there: %q", len(got), got)
	}
}

// The zone is what the server says, not what public resolvers make certmagic believe.
func TestTheZoneIsFoundAtTheServer(t *testing.T) {
	for name, want := range map[string]string{
		"_acme-challenge.www":      "example.com.",
		"_acme-challenge":          "example.com.",
		"_acme-challenge.deep.sub": "sub.example.com.",
		"_acme-challenge.sub":      "sub.example.com.",
		"_acme-challenge.silent":   "example.com.",
	} {
		s := newNameServer(t)
		if _, err := newProvider(t, s.config()).AppendRecords(t.Context(), "example.com.", record(name, "v")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		asked := s.questions()
		// sub.example.com's own challenge lies in the zone below.
		if last := asked[len(asked)-1]; last != "udp UPDATE "+want {
			t.Errorf("%s: %q, want an update of %s", name, asked, want)
		}
	}
}

func TestAConfiguredZoneIsNotLookedFor(t *testing.T) {
	s := newNameServer(t)
	c := s.config()
	c.Zone = "Example.com"
	p := newProvider(t, c)
	if _, err := p.AppendRecords(t.Context(), "example.com.", record("_acme-challenge.www", "v")); err != nil {
		t.Fatal(err)
	}
	if asked := s.questions(); !slices.Equal(asked, []string{"udp UPDATE example.com."}) {
		t.Errorf("asked %q, want the update alone", asked)
	}
	_, err := p.AppendRecords(t.Context(), "example.net.", record("_acme-challenge.www", "v"))
	if want := "dns: _acme-challenge.www.example.net. is not in the zone example.com."; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestRecordsOfOneCallAreOneUpdate(t *testing.T) {
	s := newNameServer(t)
	p := newProvider(t, s.config())
	two := append(record("_acme-challenge.www", "one"), record("_acme-challenge.www", "two")...)
	if _, err := p.AppendRecords(t.Context(), "example.com.", two); err != nil {
		t.Fatal(err)
	}
	if asked, got := s.questions(), s.at(challenge); len(asked) != 2 || len(got) != 2 {
		t.Errorf("asked %q for %q", asked, got)
	}
	if got, err := p.AppendRecords(t.Context(), "example.com.", nil); len(got) != 0 || err != nil || len(s.questions()) != 0 {
		t.Errorf("no records: %v, %v", got, err)
	}
	s.questions()
	apart := append(record("_acme-challenge.www", "v"), record("_acme-challenge.other.example.net.", "v")...)
	if _, err := p.AppendRecords(t.Context(), "example.com.", apart); err == nil || !strings.Contains(err.Error(), "is not in the zone example.com.") {
		t.Errorf("records of two zones: %v", err)
	}
	if asked := s.questions(); len(asked) != 1 {
		t.Errorf("records of two zones: asked %q, want no update", asked)
	}
}

func TestValuesOfAnyKindArriveAsTheyAre(t *testing.T) {
	s := newNameServer(t)
	p := newProvider(t, s.config())
	for _, value := range []string{strings.Repeat("x", 600), `quote " and \ and \065`, " spaces "} {
		if _, err := p.AppendRecords(t.Context(), "example.com.", record("_acme-challenge.www", value)); err != nil {
			t.Fatal(err)
		}
		held := s.at(challenge)
		// The library hands out what it has read with escapes.
		if plain := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.Join(held, "")); plain != value {
			t.Errorf("arrived: %q, want %q", plain, value)
		}
		s.set(func() { clear(s.texts) })
	}
}

// TCP answers where UDP does not, is cut off, or is a forgery.
func TestTCPStepsInForUDP(t *testing.T) {
	for what, spoil := range map[string]func(*nameServer){
		"no answer":  func(s *nameServer) { s.deafUDP = true },
		"truncated":  func(s *nameServer) { s.spoil = onUDP(func(m *miekg.Msg) { m.Truncated = true }) },
		"unsigned":   func(s *nameServer) { s.spoil = onUDP(func(m *miekg.Msg) { m.Extra = nil }) },
		"foreign id": func(s *nameServer) { s.spoil = onUDP(func(m *miekg.Msg) { m.Id++; m.IsTsig().OrigId++ }) },
	} {
		t.Run(what, func(t *testing.T) {
			s := newNameServer(t)
			c := s.config()
			c.Timeout = 600 * time.Millisecond
			s.set(func() { spoil(s) })
			if _, err := newProvider(t, c).AppendRecords(t.Context(), "example.com.", record("_acme-challenge.www", "v")); err != nil {
				t.Fatal(err)
			}
			if asked := s.questions(); !slices.Contains(asked, "tcp UPDATE example.com.") {
				t.Errorf("asked %q, want the update by TCP too", asked)
			}
			if got := s.at(challenge); !slices.Equal(got, []string{"v"}) {
				t.Errorf("values = %q", got)
			}
		})
	}
}

func onUDP(change func(*miekg.Msg)) func(*miekg.Msg, *string) {
	return func(m *miekg.Msg, network *string) {
		if *network == "udp" {
			change(m)
		}
	}
}

func TestRefusalsSayWhoRefusesWhat(t *testing.T) {
	refusing := func(rcode int) func(*nameServer, *dns.RFC2136Config) {
		return func(s *nameServer, _ *dns.RFC2136Config) { s.rcode = rcode }
	}
	cases := []struct {
		name, zone string
		set        func(*nameServer, *dns.RFC2136Config)
		want       string
	}{
		{"_acme-challenge.www", "example.com.", refusing(miekg.RcodeRefused), "dns: updating _acme-challenge.www.example.com. in the zone example.com.: ADDR answers REFUSED"},
		{"_acme-challenge.www", "example.com.", refusing(miekg.RcodeServerFailure), "ADDR answers SERVFAIL"},
		{"_acme-challenge.www", "example.com.", func(_ *nameServer, c *dns.RFC2136Config) { c.KeySecret = "b3RoZXI=" }, "tcp: TSIG key dwaar-key.: BADKEY"},
		{"_acme-challenge.www", "example.com.", func(_ *nameServer, c *dns.RFC2136Config) { c.KeyName = "who" }, "tcp: TSIG key who.: BADKEY"},
		{"_acme-challenge.www", "example.net.", nil, "dns: finding the zone of _acme-challenge.www.example.net.: ADDR answers REFUSED"},
		{"_acme-challenge.alias", "example.com.", nil, "it is an alias of elsewhere.net., and aliases cannot have other records"},
		{"_acme-challenge.www", "example.com.", func(s *nameServer, _ *dns.RFC2136Config) {
			s.spoil = func(m *miekg.Msg, _ *string) { m.Authoritative, m.Rcode = false, miekg.RcodeSuccess }
		}, "ADDR is not authoritative for it"},
		{"_acme-challenge.www", "example.com.", refusing(miekg.RcodeNotAuth), "asking ADDR: udp: answers NOTAUTH; tcp: answers NOTAUTH"},
		{"_acme-challenge.www", "example.com.", func(s *nameServer, c *dns.RFC2136Config) { c.KeyName, c.KeySecret = "", "" }, "ADDR answers REFUSED"},
	}
	for _, c := range cases {
		s := newNameServer(t)
		config := s.config()
		if c.set != nil {
			s.set(func() { c.set(s, &config) })
		}
		_, err := newProvider(t, config).AppendRecords(t.Context(), c.zone, record(c.name, "v"))
		want := strings.ReplaceAll(c.want, "ADDR", s.addr)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
		updates := slices.DeleteFunc(s.questions(), func(q string) bool { return !strings.Contains(q, "UPDATE") })
		if len(updates) > 2 {
			t.Errorf("%s: %q; there is nothing to undo after a refusal", want, updates)
		}
	}
}

func TestOnlyTXTRecordsWithNameAndValueAreTaken(t *testing.T) {
	s := newNameServer(t)
	p := newProvider(t, s.config())
	for want, rr := range map[string]libdns.RR{
		"dns: A record at www: only TXT records are handled":                       {Type: "A", Name: "www", Data: "192.0.2.1"},
		"dns: TXT record at _acme-challenge.www.example.com. has no value":         {Type: "TXT", Name: "_acme-challenge.www"},
		`dns: "a..example.com." is not a domain name`:                              {Type: "TXT", Name: "a.", Data: "v"},
		`dns: "` + strings.Repeat("a", 64) + `.example.com." is not a domain name`: {Type: "TXT", Name: strings.Repeat("a", 64), Data: "v"},
	} {
		if rr.Name == "a." {
			rr.Name = "a..example.com."
		}
		if _, err := p.AppendRecords(t.Context(), "example.com.", []libdns.Record{rr}); err == nil || err.Error() != want {
			t.Errorf("AppendRecords: %v, want %s", err, want)
		}
		if _, err := p.DeleteRecords(t.Context(), "example.com.", []libdns.Record{rr}); err == nil || err.Error() != want {
			t.Errorf("DeleteRecords: %v, want %s", err, want)
		}
	}
	if asked := s.questions(); len(asked) != 0 {
		t.Errorf("asked %q", asked)
	}
}

// An update whose answer got lost may have been made: it is taken back.
func TestAnUpdateWithoutAnswerIsUndone(t *testing.T) {
	s := newNameServer(t)
	lost := 0
	s.set(func() {
		s.spoil = func(m *miekg.Msg, network *string) {
			if m.Opcode == miekg.OpcodeUpdate && lost < 2 { // UDP, then TCP
				lost++
				*network = ""
			}
		}
	})
	c := s.config()
	c.Timeout = 600 * time.Millisecond
	_, err := newProvider(t, c).AppendRecords(t.Context(), "example.com.", record("_acme-challenge.www", "v"))
	if err == nil || !strings.HasPrefix(err.Error(), "dns: updating "+challenge) {
		t.Errorf("AppendRecords without an answer: %v", err)
	}
	if got := s.at(challenge); len(got) != 0 || lost != 2 {
		t.Errorf("%q is left behind (%d answers lost)", got, lost)
	}
}

func TestAContextThatEndsEndsTheQuestion(t *testing.T) {
	s := newNameServer(t)
	s.set(func() { s.deafUDP = true })
	c := s.config()
	c.Zone, c.Timeout = "example.com", time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(s.questions()) == 0 {
			time.Sleep(time.Millisecond) // a real socket
		}
		cancel()
		s.set(func() { s.deafUDP = false }) // the undoing is answered
	}()
	begin := time.Now()
	_, err := newProvider(t, c).AppendRecords(ctx, "example.com.", record("_acme-challenge.www", "v"))
	if !errors.Is(err, context.Canceled) || time.Since(begin) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), err)
	}
}

func TestAServerThatIsNotThereIsNamed(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0") // and nothing on TCP, most likely
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	p := newProvider(t, dns.RFC2136Config{Server: pc.LocalAddr().String(), Zone: "example.com", Timeout: 200 * time.Millisecond})
	_, err = p.DeleteRecords(t.Context(), "example.com.", record("_acme-challenge.www", "v"))
	if err == nil || !strings.Contains(err.Error(), "asking "+pc.LocalAddr().String()+": udp: ") || !strings.Contains(err.Error(), "; tcp: ") {
		t.Errorf("%v, want both ways", err)
	}
}

func TestConfigurationsThatMakeNoSenseAreRefused(t *testing.T) {
	good := func(change func(*dns.RFC2136Config)) *dns.RFC2136Config {
		c := &dns.RFC2136Config{Server: "ns.example.com", KeyName: "k", KeySecret: secret}
		if change != nil {
			change(c)
		}
		return c
	}
	cases := []struct {
		c    dns.Config
		want string
	}{
		{dns.Config{}, "dns: name a provider: rfc2136 or exec"},
		{dns.Config{RFC2136: good(nil), Exec: &dns.ExecConfig{Path: "/bin/true"}}, "dns: one provider, not both rfc2136 and exec"},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.Server = "" })}, `dns: rfc2136: server "" is not a host`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.Server = "ns:dns" })}, `dns: rfc2136: server "ns:dns" is not a host`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.Server = "ns:0" })}, `server "ns:0"`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.Server = "ns:65536" })}, `server "ns:65536"`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.Server = "http://ns/" })}, `server "http://ns/"`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.Zone = "a..b" })}, `zone "a..b" is not a domain name`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.Timeout = -1 })}, "timeout must not be negative, is -1ns"},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.KeyName = "" })}, "a TSIG key needs its name"},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.KeyName = "a..b" })}, `key_name "a..b" is not a domain name`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.KeyAlgorithm = "hmac-md5" })}, `key_algorithm "hmac-md5" is not`},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.KeySecret = "not base64" })}, "key_secret of k is not base64"},
		{dns.Config{RFC2136: good(func(c *dns.RFC2136Config) { c.KeySecret = "" })}, "key_secret of k is not base64"},
		{dns.Config{Exec: &dns.ExecConfig{}}, "dns: exec: name the program to call"},
		{dns.Config{Exec: &dns.ExecConfig{Path: "bin/hook"}}, `dns: exec: the path of the program is absolute, "bin/hook" is not`},
		{dns.Config{Exec: &dns.ExecConfig{Path: "/bin/hook", Timeout: -1}}, "dns: exec: timeout must not be negative"},
	}
	for _, c := range cases {
		_, err := dns.New(c.c)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New: %v, want %q", err, c.want)
		}
	}
	for _, server := range []string{"ns", "ns.example.com:5353", "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5353"} {
		for _, algorithm := range []string{"", "hmac-sha1", "HMAC-SHA512.", "hmac-sha384", "hmac-sha224"} {
			c := good(func(c *dns.RFC2136Config) { c.Server, c.KeyAlgorithm = server, algorithm })
			if _, err := dns.New(dns.Config{RFC2136: c}); err != nil {
				t.Errorf("server %q, key_algorithm %q: %v", server, algorithm, err)
			}
		}
	}
}

func TestTheSecretIsNeverShown(t *testing.T) {
	c := dns.Config{RFC2136: &dns.RFC2136Config{Server: "ns", KeyName: "k", KeySecret: secret}}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", c.RFC2136.KeySecret, "c", *c.RFC2136)
	shown := string(asJSON) + log.String() + fmt.Sprintf("%v %+v %#v %s %q", *c.RFC2136, *c.RFC2136, *c.RFC2136, c.RFC2136.KeySecret, c.RFC2136.KeySecret)
	if strings.Contains(shown, secret) || !strings.Contains(string(asJSON), `"key_secret":"REDACTED"`) {
		t.Errorf("shown: %s", shown)
	}
	if none, err := json.Marshal(dns.RFC2136Config{Server: "ns"}); string(none) != `{"server":"ns"}` || err != nil {
		t.Errorf("without a key: %s, %v", none, err)
	}
}
