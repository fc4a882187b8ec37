package netguard

import (
	"net/netip"
	"slices"
)

// Network is one row of the blocklist: a range, and the category that a refusal
// gives for it.
type Network struct {
	Prefix   netip.Prefix
	Category string
}

// Networks returns the blocklist, for documents and their tests.
func Networks() []Network { return slices.Clone(blocked) }

// blocked is the whole blocklist (N1). A row stands before every row that
// contains it, because the first match names the category. The registries are
// IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190).
var blocked = []Network{
	// Metadata services: one request away from the credentials of the machine.
	row("169.254.169.254/32", "metadata service"), // AWS, Azure, Google Cloud, OpenStack, …: instance metadata
	row("168.63.129.16/32", "metadata service"),   // Azure: WireServer, "What is IP address 168.63.129.16?"; a public address
	row("100.100.100.200/32", "metadata service"), // Alibaba Cloud: ECS instance metadata
	row("192.0.0.192/32", "metadata service"),     // Oracle Cloud Classic: instance metadata
	row("fd00:ec2::254/128", "metadata service"),  // AWS: instance metadata over IPv6
	row("fd20:ce::254/128", "metadata service"),   // Google Cloud: metadata server over IPv6
	row("fd00:42::42/128", "metadata service"),    // Scaleway: instance metadata over IPv6

	row("0.0.0.0/32", "unspecified"),                 // RFC 1122 §3.2.1.3; Linux connects it to itself
	row("0.0.0.0/8", "this network"),                 // RFC 791 §3.2, RFC 1122 §3.2.1.3
	row("10.0.0.0/8", "private network"),             // RFC 1918 §3
	row("100.64.0.0/10", "carrier-grade NAT"),        // RFC 6598 §7
	row("127.0.0.0/8", "loopback"),                   // RFC 1122 §3.2.1.3
	row("169.254.0.0/16", "link-local"),              // RFC 3927 §2.1
	row("172.16.0.0/12", "private network"),          // RFC 1918 §3
	row("192.0.0.0/24", "IETF protocol assignments"), // RFC 6890 §2.1
	row("192.0.2.0/24", "documentation"),             // TEST-NET-1, RFC 5737 §3
	row("192.88.99.0/24", "6to4 relay anycast"),      // RFC 7526 §4: deprecated
	row("192.168.0.0/16", "private network"),         // RFC 1918 §3
	row("198.18.0.0/15", "benchmarking"),             // RFC 2544 appendix C.2.2
	row("198.51.100.0/24", "documentation"),          // TEST-NET-2, RFC 5737 §3
	row("203.0.113.0/24", "documentation"),           // TEST-NET-3, RFC 5737 §3
	row("224.0.0.0/4", "multicast"),                  // RFC 1112 §4
	row("255.255.255.255/32", "broadcast"),           // RFC 919 §7
	row("240.0.0.0/4", "reserved"),                   // RFC 1112 §4
	row("::/128", "unspecified"),                     // RFC 4291 §2.5.2
	row("::1/128", "loopback"),                       // RFC 4291 §2.5.3
	row("64:ff9b:1::/48", "local-use NAT64"),         // RFC 8215 §4: any layout inside, so no address of it can be judged
	row("100::/64", "discard-only"),                  // RFC 6666 §4
	row("100:0:0:1::/64", "dummy prefix"),            // RFC 9780 §3
	row("2001::/32", "Teredo"),                       // RFC 4380 §4: a tunnel to an IPv4 client behind a NAT
	row("2001:2::/48", "benchmarking"),               // RFC 5180 §8
	row("2001::/23", "IETF protocol assignments"),    // RFC 2928 §2
	row("2001:db8::/32", "documentation"),            // RFC 3849 §2
	row("3fff::/20", "documentation"),                // RFC 9637 §3
	row("5f00::/16", "segment routing"),              // RFC 9602 §6
	row("fc00::/7", "unique local"),                  // RFC 4193 §3.1
	row("fe80::/10", "link-local"),                   // RFC 4291 §2.5.6
	row("fec0::/10", "site-local"),                   // RFC 3879 §4: deprecated, still private
	row("ff00::/8", "multicast"),                     // RFC 4291 §2.7
}

// carrier is an IPv6 range whose addresses carry an IPv4 address, which is
// where a packet to them ends. Octet says where the four bytes start.
type carrier struct {
	prefix netip.Prefix
	octet  int
	name   string
}

// carriers is judged before blocked, so that a refusal names what is inside.
// IPv4-mapped addresses (RFC 4291 §2.5.5.2) are not here: they are unmapped
// first, because they are the IPv4 address, spelled differently.
var carriers = []carrier{
	{netip.MustParsePrefix("64:ff9b::/96"), 12, "NAT64"},              // RFC 6052 §2.1
	{netip.MustParsePrefix("2002::/16"), 2, "6to4"},                   // RFC 3056 §2
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12, "IPv4-translated"}, // RFC 2765 §2.1
	{netip.MustParsePrefix("::/96"), 12, "IPv4-compatible"},           // RFC 4291 §2.5.5.1
}

func row(prefix, category string) Network {
	return Network{netip.MustParsePrefix(prefix), category}
}

// category says why addr is refused, "" for a public address.
func category(addr netip.Addr) string {
	if addr.Zone() != "" {
		return "zone id" // before Unmap, which drops it
	}
	addr = addr.Unmap()
	if word := carried(addr); word != "" {
		return word
	}
	for _, n := range blocked {
		if n.Prefix.Contains(addr) {
			return n.Category
		}
	}
	return ""
}

// carried judges the IPv4 address inside addr, if there is one. The addresses
// :: and ::1 look IPv4-compatible and have rows of their own.
func carried(addr netip.Addr) string {
	if !addr.Is6() || addr.IsUnspecified() || addr.IsLoopback() {
		return ""
	}
	octets := addr.As16()
	for _, c := range carriers {
		if !c.prefix.Contains(addr) {
			continue
		}
		inner := netip.AddrFrom4([4]byte(octets[c.octet:]))
		if word := category(inner); word != "" {
			return word + " inside " + c.name
		}
	}
	if isISATAP(octets) {
		if word := category(netip.AddrFrom4([4]byte(octets[12:]))); word != "" {
			return word + " inside ISATAP"
		}
	}
	return ""
}

// isISATAP recognises the interface identifier of RFC 5214 §6.1, which carries
// an IPv4 address below any prefix.
func isISATAP(octets [16]byte) bool {
	return octets[8]&^0x02 == 0 && octets[9] == 0 && octets[10] == 0x5e && octets[11] == 0xfe
}
