package netguard_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/netguard"
)

// rigged is a guard whose network is the resolver and the dialer.
func rigged(t *testing.T, resolver netguard.Resolver, dialer *recordingDialer, allow ...string) *netguard.Guard {
	t.Helper()
	dialer.t = t
	return newGuard(t, allow, netguard.WithResolver(resolver), netguard.WithDialer(dialer.dial))
}

func wantDialled(t *testing.T, d *recordingDialer, want ...string) {
	t.Helper()
	if got := d.list(); !slices.Equal(got, want) {
		t.Errorf("dialled %v, want %v", got, want)
	}
}

// N3: the check is of the answer that is dialled. A second lookup, which would
// bring the loopback address, never happens.
func TestRebindingBetweenCheckAndDialIsImpossible(t *testing.T) {
	resolver := answering(addrs("8.8.8.8"), addrs("127.0.0.1"))
	dialer := &recordingDialer{answers: map[string]bool{"8.8.8.8:80": true}}
	g := rigged(t, resolver, dialer)
	if _, err := g.DialContext(t.Context(), "tcp", "ocsp.example:80"); err != nil {
		t.Fatal(err)
	}
	wantDialled(t, dialer, "8.8.8.8:80")
	if resolver.calls != 1 {
		t.Errorf("resolved %d times for one dial", resolver.calls)
	}
	_, err := g.DialContext(t.Context(), "tcp", "ocsp.example:80")
	if blocked := new(netguard.BlockedError); !errors.As(err, &blocked) {
		t.Errorf("second dial, of the rebound name: %v, want a *BlockedError", err)
	}
	wantDialled(t, dialer, "8.8.8.8:80")
}

func TestMixedAnswersDialOnlyTheGoodAddresses(t *testing.T) {
	dialer := &recordingDialer{}
	g := rigged(t, answering(addrs("10.0.0.1", "8.8.8.8", "::ffff:127.0.0.1", "2606:4700::1", "64:ff9b::a00:1", "8.8.8.8")), dialer)
	if _, err := g.DialContext(t.Context(), "tcp", "ocsp.example:80"); !errors.Is(err, errRecorded) {
		t.Errorf("dial: %v, want the dialer's error", err)
	}
	wantDialled(t, dialer, "8.8.8.8:80", "[2606:4700::1]:80")
}

func TestOnlyBlockedAddressesMeansBlockedErrorAndNoDial(t *testing.T) {
	dialer := &recordingDialer{}
	g := rigged(t, answering(addrs("10.0.0.1", "127.0.0.1")), dialer)
	_, err := g.DialContext(t.Context(), "tcp", "ocsp.example:80")
	var blocked *netguard.BlockedError
	if !errors.As(err, &blocked) || blocked.Addr != netip.MustParseAddr("10.0.0.1") || blocked.Host != "ocsp.example" {
		t.Errorf("dial: %v, want the first address's *BlockedError", err)
	}
	wantDialled(t, dialer)
}

func TestLiteralAddressesAreCheckedWithoutAResolver(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.0.0.1.", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "169.254.169.254", "2002:7f00:1::"} {
		dialer := &recordingDialer{}
		_, err := rigged(t, answering(addrs("8.8.8.8")), dialer).DialContext(t.Context(), "tcp", net.JoinHostPort(host, "80"))
		if blocked := new(netguard.BlockedError); !errors.As(err, &blocked) {
			t.Errorf("dialling %s: %v, want a *BlockedError", host, err)
		}
		wantDialled(t, dialer)
	}
}

func TestHostsThatAreNeitherAddressNorNameAreNotResolved(t *testing.T) {
	for _, host := range []string{"0x7f.1", "2130706433", "0177.0.0.1", "127.1", "fe80::1%eth0", "", "a b", "１２７.0.0.1"} {
		resolver, dialer := answering(addrs("8.8.8.8")), &recordingDialer{}
		if _, err := rigged(t, resolver, dialer).DialContext(t.Context(), "tcp", net.JoinHostPort(host, "80")); err == nil {
			t.Errorf("dialling %q succeeds", host)
		}
		if wantDialled(t, dialer); resolver.calls != 0 {
			t.Errorf("%q was looked up", host)
		}
	}
}

func TestAllowedHostsAndNetworksAreDialled(t *testing.T) {
	for _, allow := range []string{"ocsp.corp.example", "10.0.0.0/8", "10.0.0.1"} {
		dialer := &recordingDialer{answers: map[string]bool{"10.0.0.1:8080": true}}
		g := rigged(t, answering(addrs("10.0.0.1")), dialer, allow)
		if _, err := g.DialContext(t.Context(), "tcp", "ocsp.corp.example:8080"); err != nil {
			t.Errorf("allow %s: %v", allow, err)
		}
	}
}

func TestAddressesOfTheWrongKindAreRefused(t *testing.T) {
	for _, tt := range []struct{ network, address, problem string }{
		{"tcp", "ocsp.example", "missing port"},
		{"tcp", "ocsp.example:0", "not between 1 and 65535"},
		{"tcp", "ocsp.example:http", "not between 1 and 65535"},
		{"udp", "ocsp.example:80", `no address for network "udp"`},
		{"unix", "ocsp.example:80", `no address for network "unix"`},
		{"tcp6", "ocsp.example:80", `no address for network "tcp6"`},
	} {
		dialer := &recordingDialer{}
		_, err := rigged(t, answering(addrs("8.8.8.8")), dialer).DialContext(t.Context(), tt.network, tt.address)
		if err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("dialling %s %s: %v, want %q", tt.network, tt.address, err, tt.problem)
		}
		wantDialled(t, dialer)
	}
}

func TestNetworkSelectsTheFamily(t *testing.T) {
	both := addrs("8.8.8.8", "2606:4700::1")
	for network, want := range map[string]string{"tcp4": "8.8.8.8:80", "tcp6": "[2606:4700::1]:80"} {
		dialer := &recordingDialer{}
		rigged(t, answering(both), dialer).DialContext(t.Context(), network, "ocsp.example:80")
		wantDialled(t, dialer, want)
	}
}

func TestAnEmptyAnswerIsAnError(t *testing.T) {
	_, err := rigged(t, answering(nil), &recordingDialer{}).Resolve(t.Context(), "ocsp.example")
	if err == nil || err.Error() != "resolving ocsp.example: no addresses" {
		t.Errorf("Resolve = %v", err)
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	var many []netip.Addr
	for i := range 200 {
		many = append(many, netip.AddrFrom4([4]byte{8, 8, 4, byte(i)}))
	}
	got, err := rigged(t, answering(many), &recordingDialer{}).Resolve(t.Context(), "ocsp.example")
	if err != nil || len(got) != 16 {
		t.Errorf("Resolve = %d addresses, %v; want 16", len(got), err)
	}
}

func TestAPinnedHostIsDialledAtItsAddressAndNotResolved(t *testing.T) {
	resolver, dialer := answering(addrs("8.8.8.8", "8.8.4.4")), &recordingDialer{}
	g := rigged(t, resolver, dialer)
	ctx := netguard.WithAddr(t.Context(), "OCSP.example", netip.MustParseAddr("8.8.4.4"))
	g.DialContext(ctx, "tcp", "ocsp.example.:80")
	if wantDialled(t, dialer, "8.8.4.4:80"); resolver.calls != 0 {
		t.Errorf("resolved %d times", resolver.calls)
	}
}

func TestAPinDoesNotApplyToOtherHostsOfARedirect(t *testing.T) {
	dialer := &recordingDialer{}
	g := rigged(t, answering(addrs("1.1.1.1")), dialer)
	ctx := netguard.WithAddr(t.Context(), "ocsp.example", netip.MustParseAddr("8.8.4.4"))
	g.DialContext(ctx, "tcp", "other.example:80")
	wantDialled(t, dialer, "1.1.1.1:80")
}

func TestAPinIsCheckedLikeAnyAddress(t *testing.T) {
	dialer := &recordingDialer{}
	g := rigged(t, answering(addrs("8.8.8.8")), dialer)
	ctx := netguard.WithAddr(t.Context(), "ocsp.example", netip.MustParseAddr("127.0.0.1"))
	_, err := g.DialContext(ctx, "tcp", "ocsp.example:80")
	if blocked := new(netguard.BlockedError); !errors.As(err, &blocked) {
		t.Errorf("dial of a pinned loopback address: %v, want a *BlockedError", err)
	}
	wantDialled(t, dialer)
}

// silent never answers a dial to the addresses listed.
func silent(addresses ...string) netguard.Option {
	return netguard.WithDialer(func(ctx context.Context, _, address string) (net.Conn, error) {
		if slices.Contains(addresses, address) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		near, far := net.Pipe()
		far.Close()
		return near, nil
	})
}

func TestASilentAddressLeavesTimeForTheNext(t *testing.T) {
	for _, tt := range []struct {
		deadline, takes time.Duration
		dead            []string
	}{
		{2 * time.Second, time.Second, []string{"8.8.8.1:80"}},
		{3 * time.Second, 2 * time.Second, []string{"8.8.8.1:80", "8.8.8.2:80"}},
		{time.Hour, 6 * time.Second, []string{"8.8.8.1:80", "8.8.8.2:80"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			resolver := answering(addrs("8.8.8.1", "8.8.8.2", "8.8.8.3")[3-len(tt.dead)-1:])
			if len(tt.dead) == 1 {
				resolver = answering(addrs("8.8.8.1", "8.8.8.3"))
			}
			g := newGuard(t, nil, netguard.WithResolver(resolver), silent(tt.dead...))
			ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
			defer cancel()
			start := time.Now()
			conn, err := g.DialContext(ctx, "tcp", "ocsp.example:80")
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if took := time.Since(start); took != tt.takes {
				t.Errorf("with %v and %d silent addresses: connected after %v, want %v", tt.deadline, len(tt.dead), took, tt.takes)
			}
		})
	}
}

func TestADialEndsWithItsContextAndAfterTenSecondsWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, nil, netguard.WithResolver(answering(addrs("8.8.8.1"))), silent("8.8.8.1:80"))
		start := time.Now()
		_, err := g.DialContext(t.Context(), "tcp", "ocsp.example:80")
		if took := time.Since(start); took != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial ended after %v with %v", took, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.DialContext(ctx, "tcp", "ocsp.example:80"); !errors.Is(err, context.Canceled) {
			t.Errorf("dial with a cancelled context: %v", err)
		}
	})
}
