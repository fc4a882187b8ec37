package netguard_test

import (
	"net/netip"
	"strings"
	"testing"

	"dwaar/netguard"
)

func TestAllowOpensExactlyWhatItNames(t *testing.T) {
	const bare = "responder.example" // a host no rule names
	for _, tt := range []struct {
		allow, host, addr string
		open              bool
	}{
		{"10.20.0.0/16", bare, "10.20.0.0", true},
		{"10.20.0.0/16", bare, "10.20.255.255", true},
		{"10.20.0.0/16", bare, "10.21.0.0", false},
		{"10.20.0.0/16", bare, "10.19.255.255", false},
		{"10.20.0.0/16", bare, "::ffff:10.20.1.1", true},
		{"10.20.0.0/16", bare, "64:ff9b::10.20.1.1", false},
		{"10.20.0.0/16", bare, "2002:a14:101::1", false},
		{"::ffff:10.20.0.0/112", bare, "10.20.1.1", true},
		{"::ffff:10.20.0.0/112", bare, "10.21.1.1", false},
		{"64:ff9b::/96", bare, "64:ff9b::10.20.1.1", true},
		{"fd12:3456::/32", bare, "fd12:3456:1::1", true},
		{"fd12:3456::/32", bare, "fd12:3457::1", false},
		{"0.0.0.0/0", bare, "127.0.0.1", true},
		{"0.0.0.0/0", bare, "::1", false},
		{"127.0.0.1", bare, "127.0.0.1", true},
		{"127.0.0.1", bare, "127.0.0.2", false},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1", true},
		{"::ffff:127.0.0.1", bare, "127.0.0.1", true},
		{"::1", bare, "::1", true},
		{"[::1]", bare, "::1", true},
		{"::1", bare, "127.0.0.1", false},
		{"ocsp.corp.example", "ocsp.corp.example", "10.0.0.1", true},
		{"ocsp.corp.example", "OCSP.Corp.Example", "10.0.0.1", true},
		{"ocsp.corp.example", "ocsp.corp.example.", "10.0.0.1", true},
		{"OCSP.corp.example.", "ocsp.corp.example", "10.0.0.1", true},
		{"ocsp.corp.example", "corp.example", "10.0.0.1", false},
		{"ocsp.corp.example", "a.ocsp.corp.example", "10.0.0.1", false},
		{"ocsp.corp.example", "ocsp.corp.example.evil.example", "10.0.0.1", false},
		{"localhost", "localhost", "127.0.0.1", true},
		{"localhost", "127.0.0.1", "127.0.0.1", false},
		{"fe80::1", bare, "fe80::1%eth0", false},
		{"ocsp.corp.example", "ocsp.corp.example", "fe80::1%eth0", false},
	} {
		err := newGuard(t, []string{tt.allow}).CheckAddr(tt.host, netip.MustParseAddr(tt.addr))
		if (err == nil) != tt.open {
			t.Errorf("allow %s: %s of %s: %v, want open: %v", tt.allow, tt.addr, tt.host, err, tt.open)
		}
	}
}

func TestAllowRefusesGarbageByName(t *testing.T) {
	for _, tt := range []struct{ entry, problem string }{
		{"", "empty name"},
		{"10.20.0.0/33", "not a network such as"},
		{"10.20.0.0/", "not a network such as"},
		{"/8", "not a network such as"},
		{"http://ocsp.corp.example/", "not a network such as"},
		{"fe80::%eth0/64", "not a network such as"},
		{"10.20.1.1/16", "write 10.20.0.0/16 for the network or 10.20.1.1 for the address"},
		{"fd12::1/48", "write fd12::/48 for the network or fd12::1 for the address"},
		{"ocsp.corp.example:8080", "neither a network, an address nor a host name"},
		{"*.corp.example", "neither a network, an address nor a host name"},
		{"10.20.1", "ends in a number"},
		{"2130706433", "ends in a number"},
		{"0x7f.1", "ends in a number"},
		{"0177.0.0.1", "ends in a number"},
		{"fe80::1%eth0", "has a zone id"},
		{"ocsp..example", "label is empty"},
		{strings.Repeat("a", 64) + ".example", "longer than 63 bytes"},
		{strings.Repeat("a.", 127) + "example.example", "longer than 253 bytes"},
		{"bücher.example", "xn-- form"},
		{"ocsp corp", "only letters"},
	} {
		_, err := netguard.New(netguard.Config{Allow: []string{"10.0.0.0/8", tt.entry}})
		if err == nil {
			t.Errorf("allow %q is accepted", tt.entry)
			continue
		}
		if !strings.Contains(err.Error(), tt.problem) || !strings.Contains(err.Error(), "allow \""+tt.entry+"\"") {
			t.Errorf("allow %q: %v; want it named, with %q", tt.entry, err, tt.problem)
		}
	}
}

func TestEveryBadAllowEntryIsReported(t *testing.T) {
	_, err := netguard.New(netguard.Config{Allow: []string{"one two", "10.0.0.0/8", "1.2.3"}})
	for _, entry := range []string{`"one two"`, `"1.2.3"`} {
		if err == nil || !strings.Contains(err.Error(), entry) {
			t.Errorf("error %v does not name %s", err, entry)
		}
	}
}

func TestARefusalNamesAddressCategoryAndOption(t *testing.T) {
	for _, tt := range []struct{ host, addr, want string }{
		{"ocsp.corp.example", "10.0.0.1", `address 10.0.0.1 of ocsp.corp.example is blocked (private network); "allow ocsp.corp.example" or "allow 10.0.0.1" would open it`},
		{"127.0.0.1", "127.0.0.1", `address 127.0.0.1 is blocked (loopback); "allow 127.0.0.1" would open it`},
		{"[::1]", "::1", `address ::1 is blocked (loopback); "allow ::1" would open it`},
		{"ocsp.example", "fe80::1%eth0", `address fe80::1%eth0 of ocsp.example is blocked (zone id) and nothing can allow it`},
	} {
		err := newGuard(t, nil).CheckAddr(tt.host, netip.MustParseAddr(tt.addr))
		if err == nil || err.Error() != tt.want {
			t.Errorf("refusal = %v\nwant %s", err, tt.want)
		}
	}
}
