package issuing_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more tests run at the same time than there are processors: nearly all of their
// time acmez waits until it asks a CA again.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
