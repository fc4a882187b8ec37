package integration

import (
	"testing"
	"time"

	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/wait"
)

// A certificate that clients refuse without a staple does not take over before it has one, as
// long as the one before is good.
func TestARenewedMustStapleCertificateWaitsForItsStaple(t *testing.T) { // S13, A3
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	r.automatic("must.test", "must_staple")
	r.start(r.global(), "timeout 1s")
	first := r.awaitStapled("S13", "must.test", nil, soon)

	r.OCSP.Down()
	r.Must("certs", "renew", "must.test")
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		shown := r.shake("must.test")
		if !shown.Leaf.Equal(first.Leaf) {
			t.Fatal("S13: the new certificate serves without a staple while the one before is good")
		}
		if err := shown.GoodStaple(); err != nil {
			t.Fatalf("S13: %v", err)
		}
	}

	r.OCSP.Up()
	wait.Until(t, soon, "S13: a refresh of the certificate that waits", func() error {
		r.Do("ocsp", "refresh", "--all")
		_, err := r.try("must.test")
		return err
	})
	r.awaitStapled("S13: once it has its staple", "must.test", first.Leaf, soon)
}
