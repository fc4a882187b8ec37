package netguard_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"

	"dwaar/netguard"
)

// scriptedResolver gives one answer per call and repeats the last.
type scriptedResolver struct {
	mu      sync.Mutex
	answers [][]netip.Addr // guarded by mu
	calls   int            // guarded by mu
}

func (r *scriptedResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answer := r.answers[min(r.calls, len(r.answers)-1)]
	r.calls++
	return answer, nil
}

// answering makes a resolver out of one list of addresses per call.
func answering(answers ...[]netip.Addr) *scriptedResolver { return &scriptedResolver{answers: answers} }

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

var errRecorded = errors.New("recorded, not dialled")

// recordingDialer notes what it is asked to dial and opens only what answers
// lists: the near end of a pipe.
type recordingDialer struct {
	t       *testing.T
	answers map[string]bool
	mu      sync.Mutex
	dialled []string // guarded by mu
}

func (d *recordingDialer) dial(_ context.Context, _, address string) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dialled = append(d.dialled, address)
	if !d.answers[address] {
		return nil, errRecorded
	}
	near, far := net.Pipe()
	d.t.Cleanup(func() { near.Close(); far.Close() })
	return near, nil
}

func (d *recordingDialer) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dialled
}

// newGuard fails the test if the configuration is refused.
func newGuard(t testing.TB, allow []string, opts ...netguard.Option) *netguard.Guard {
	t.Helper()
	g, err := netguard.New(netguard.Config{Allow: allow}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
