package crl_test

import (
	"testing"

	"dwaar/netguard"
	"dwaar/ocspsvc/ocsptest"
)

// network is an Internet in memory.
type network struct {
	*ocsptest.Network
	t *testing.T
}

func newNetwork(t *testing.T) *network { return &network{ocsptest.NewNetwork(t), t} }

// guard guards this network.
func (n *network) guard(allow ...string) *netguard.Guard {
	n.t.Helper()
	g, err := netguard.New(netguard.Config{Allow: allow}, netguard.WithResolver(n), netguard.WithDialer(n.Dial))
	if err != nil {
		n.t.Fatal(err)
	}
	return g
}
