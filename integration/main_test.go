// Package integration drives the real dwaar against real peers: openssl, curl,
// gnutls-cli, and responders that misbehave. Every test says which promise of the
// documents it proves (S1, N3, …), runs in directories and on ports of its own, and
// attaches dwaar's log when it fails.
package integration

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"dwaar/integration/internal/dwaar"
)

// binaries is set once, before any test runs.
var binaries dwaar.Binaries

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(withBinaries(m))
}

func withBinaries(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dwaar-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binaries, err = dwaar.Build("..", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
