// Package integration drives the real dwaar against real peers: openssl, curl,
// gnutls-cli, and responders that misbehave. Every test says which promise of the
// documents it proves (S1, N3, …), runs in directories and on ports of its own, and
// attaches dwaar's log when it fails.
package integration

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"dwaar/integration/internal/dwaar"
)

// binaries is set once, before any test runs.
var binaries dwaar.Binaries

func TestMain(m *testing.M) {
	flag.Parse()
	if err := runMore(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(withBinaries(m))
}

// testsPerProcessor is how many tests run at the same time: they wait for dwaar, for staples to
// end and for pauses to be over, and take a seventh of the processors' time.
const testsPerProcessor = 4

// runMore does so unless -parallel says something else.
func runMore() error {
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(testsPerProcessor*runtime.GOMAXPROCS(0)))
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
