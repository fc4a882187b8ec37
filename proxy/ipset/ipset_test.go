package ipset_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"dwaar/proxy/ipset"
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestTheSmallestNetworkDecides(t *testing.T) {
	s := ipset.New(true,
		prefixes("10.1.0.0/16", "10.1.2.3/32", "255.255.255.255/32", "2001:db8:1::/48", "0.0.0.0/32"),
		prefixes("10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/24", "192.0.3.0/24", "255.0.0.0/8", "2001:db8::/32", "ffff::/16", "0.0.0.0/8"))
	for text, want := range map[string]bool{
		"9.255.255.255": true, "10.0.0.0": false, "10.0.255.255": false, "10.1.0.0": true, "10.1.1.255": true,
		"10.1.2.0": false, "10.1.2.2": false, "10.1.2.3": true, "10.1.2.4": false, "10.1.3.0": true, "10.2.0.0": false,
		"10.255.255.255": false, "11.0.0.0": true, "192.0.1.255": true, "192.0.2.0": false, "192.0.3.255": false, "192.0.4.0": true,
		"254.255.255.255": true, "255.255.255.254": false, "255.255.255.255": true, "0.0.0.0": true, "0.0.0.1": false,
		"::ffff:10.0.0.1": false, "::": true, "2001:db8::1": false, "2001:db8:1::1": true, "2001:db8:2::": false, "2001:db9::": true,
		"fe80::1%eth0": true, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": false,
	} {
		if got := s.Allows(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if !s.Allows(netip.Addr{}) || ipset.New(false, nil, nil).Allows(netip.Addr{}) {
		t.Error("no address is in some network")
	}
}

// The table says what looking through the list would say.
func TestTheTableIsTheList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	addr := func() netip.Addr { // few bits that differ, so that networks lie in each other
		if random.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(random.IntN(4)), byte(random.IntN(4)) << 6, byte(random.IntN(256))})
		}
		return netip.AddrFrom16([16]byte{0: 0x20, 7: byte(random.IntN(4)), 15: byte(random.IntN(4))})
	}
	for range 300 {
		otherwise := random.IntN(2) == 0
		allowed, lists := map[netip.Prefix]bool{}, [2][]netip.Prefix{}
		for range random.IntN(30) {
			a := addr()
			p := netip.PrefixFrom(a, random.IntN(a.BitLen()+1)).Masked()
			if _, twice := allowed[p]; !twice {
				side := random.IntN(2)
				allowed[p] = side == 0
				lists[side] = append(lists[side], p)
			}
		}
		s := ipset.New(otherwise, lists[0], lists[1])
		for range 200 {
			a, want, bits := addr(), otherwise, -1
			for p, verdict := range allowed {
				if p.Contains(a) && p.Bits() > bits {
					want, bits = verdict, p.Bits()
				}
			}
			if got := s.Allows(a); got != want {
				t.Fatalf("%s in allow %v deny %v otherwise %v: %v", a, lists[0], lists[1], otherwise, got)
			}
		}
	}
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	s := ipset.New(false, prefixes("10.0.0.0/8", "2001:db8::/32"), prefixes("10.1.0.0/16"))
	a := netip.MustParseAddr("10.1.2.3")
	if n := testing.AllocsPerRun(100, func() { s.Allows(a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
