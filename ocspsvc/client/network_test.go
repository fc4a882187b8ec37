package client_test

import (
	"log/slog"
	"testing"

	"dwaar/netguard"
	"dwaar/ocspsvc/client"
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

// client is a client in this network.
func (n *network) client(cfg client.Config) *client.Client {
	n.t.Helper()
	c, err := client.New(cfg, n.guard(), logger(n.t))
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
