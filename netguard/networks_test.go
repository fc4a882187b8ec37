package netguard_test

import (
	"errors"
	"net/netip"
	"testing"

	"dwaar/netguard"
)

// categoryOf asks an unconfigured guard; "" means that it may be dialled.
func categoryOf(t testing.TB, addr netip.Addr) string {
	t.Helper()
	err := newGuard(t, nil).CheckAddr("responder.example", addr)
	if err == nil {
		return ""
	}
	var blocked *netguard.BlockedError
	if !errors.As(err, &blocked) {
		t.Fatalf("CheckAddr(%s) = %v, not a *BlockedError", addr, err)
	}
	return blocked.Category
}

func TestSpecialPurposeAddressesAreRefusedWithTheirCategory(t *testing.T) {
	for _, tt := range []struct{ addr, category string }{
		{"169.254.169.254", "metadata service"},
		{"168.63.129.16", "metadata service"},
		{"100.100.100.200", "metadata service"},
		{"192.0.0.192", "metadata service"},
		{"fd00:ec2::254", "metadata service"},
		{"fd20:ce::254", "metadata service"},
		{"fd00:42::42", "metadata service"},
		{"0.0.0.0", "unspecified"},
		{"0.0.0.1", "this network"},
		{"0.255.255.255", "this network"},
		{"10.0.0.0", "private network"},
		{"10.255.255.255", "private network"},
		{"100.64.0.0", "carrier-grade NAT"},
		{"100.127.255.255", "carrier-grade NAT"},
		{"127.0.0.1", "loopback"},
		{"127.255.255.254", "loopback"},
		{"169.254.0.1", "link-local"},
		{"169.254.170.2", "link-local"},
		{"172.16.0.0", "private network"},
		{"172.31.255.255", "private network"},
		{"192.0.0.1", "IETF protocol assignments"},
		{"192.0.2.1", "documentation"},
		{"192.88.99.1", "6to4 relay anycast"},
		{"192.168.0.0", "private network"},
		{"192.168.255.255", "private network"},
		{"198.18.0.0", "benchmarking"},
		{"198.19.255.255", "benchmarking"},
		{"198.51.100.7", "documentation"},
		{"203.0.113.7", "documentation"},
		{"224.0.0.1", "multicast"},
		{"239.255.255.250", "multicast"},
		{"240.0.0.1", "reserved"},
		{"255.255.255.254", "reserved"},
		{"255.255.255.255", "broadcast"},
		{"::", "unspecified"},
		{"::1", "loopback"},
		{"64:ff9b:1::1", "local-use NAT64"},
		{"64:ff9b:1:ffff::808:808", "local-use NAT64"},
		{"100::1", "discard-only"},
		{"100:0:0:1::1", "dummy prefix"},
		{"2001::1", "Teredo"},
		{"2001:0:808:808::f5ff:fffe", "Teredo"},
		{"2001:2::1", "benchmarking"},
		{"2001:10::1", "IETF protocol assignments"},
		{"2001:1ff:ffff::1", "IETF protocol assignments"},
		{"2001:db8::1", "documentation"},
		{"3fff::1", "documentation"},
		{"5f00::1", "segment routing"},
		{"fc00::1", "unique local"},
		{"fdff:ffff::1", "unique local"},
		{"fe80::1", "link-local"},
		{"febf::1", "link-local"},
		{"fec0::1", "site-local"},
		{"feff::1", "site-local"},
		{"ff02::1", "multicast"},
		{"fe80::1%eth0", "zone id"},
		{"2606:4700::1111%eth0", "zone id"},
		{"::ffff:8.8.8.8%eth0", "zone id"},
	} {
		if got := categoryOf(t, netip.MustParseAddr(tt.addr)); got != tt.category {
			t.Errorf("category of %s = %q, want %q", tt.addr, got, tt.category)
		}
	}
}

func TestEmbeddedIPv4AddressesAreRefusedLikeThemselves(t *testing.T) {
	for _, tt := range []struct{ addr, category string }{
		{"::ffff:127.0.0.1", "loopback"},
		{"::ffff:169.254.169.254", "metadata service"},
		{"::ffff:0.0.0.0", "unspecified"},
		{"::127.0.0.1", "loopback inside IPv4-compatible"},
		{"::10.0.0.1", "private network inside IPv4-compatible"},
		{"::2", "this network inside IPv4-compatible"},
		{"::ffff:0:192.168.1.1", "private network inside IPv4-translated"},
		{"64:ff9b::10.1.2.3", "private network inside NAT64"},
		{"64:ff9b::a9fe:a9fe", "metadata service inside NAT64"},
		{"2002:7f00:1::", "loopback inside 6to4"},
		{"2002:a9fe:a9fe::1", "metadata service inside 6to4"},
		{"2002:c0a8:101:dead::beef", "private network inside 6to4"},
		{"2606:4700::5efe:10.0.0.1", "private network inside ISATAP"},
		{"2606:4700::200:5efe:127.0.0.1", "loopback inside ISATAP"},
	} {
		if got := categoryOf(t, netip.MustParseAddr(tt.addr)); got != tt.category {
			t.Errorf("category of %s = %q, want %q", tt.addr, got, tt.category)
		}
	}
}

func TestPublicAddressesPass(t *testing.T) {
	for _, s := range []string{
		"1.0.0.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.1", "168.63.129.15", "168.63.129.17", "169.1.1.1", "169.253.255.255", "169.255.0.0",
		"172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.1", "192.0.3.1", "192.88.98.1",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.1", "198.51.101.1",
		"203.0.112.1", "203.0.114.1", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888",
		"2606:4700::1111", "2a00:1450::1", "2003::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
		"3ffe::1", "4000::1", "2606:4700::200:5efe:8.8.8.8",
	} {
		if got := categoryOf(t, netip.MustParseAddr(s)); got != "" {
			t.Errorf("%s is refused as %q, want it to pass", s, got)
		}
	}
}

func TestTheZeroAddressIsRefused(t *testing.T) {
	if got := categoryOf(t, netip.Addr{}); got != "not an address" {
		t.Errorf("category of the zero Addr = %q", got)
	}
}

// Every row has to win for its own first address; otherwise a broader row
// stands before it and it says nothing.
func TestNoRowOfTheBlocklistIsHiddenByAnEarlierOne(t *testing.T) {
	rows := netguard.Networks()
	for i, row := range rows {
		if row.Prefix != row.Prefix.Masked() {
			t.Errorf("%s has bits behind its prefix length", row.Prefix)
		}
		for _, earlier := range rows[:i] {
			if earlier.Prefix.Overlaps(row.Prefix) && earlier.Prefix.Bits() <= row.Prefix.Bits() {
				t.Errorf("%s (%s) never applies behind %s", row.Prefix, row.Category, earlier.Prefix)
			}
		}
		if categoryOf(t, row.Prefix.Addr()) == "" {
			t.Errorf("the first address of %s passes", row.Prefix)
		}
	}
}
