package relay_test

import (
	"math/rand/v2"
	"testing"

	"dwaar/ocspsvc/relay"
)

// What is due is looked for in rows of their own beside the cache. Whatever comes, goes
// and moves, they say the same, and nothing that is due is missed.
func TestRowsHaveWhatTheCacheHas(t *testing.T) {
	for seed := range uint64(20) {
		if wrong := relay.Shuffled(rand.New(rand.NewPCG(seed, 1)), 500); wrong != "" {
			t.Fatalf("seed %d: %s", seed, wrong)
		}
	}
}
