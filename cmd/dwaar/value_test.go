package main

import "testing"

func TestAFlagWithoutItsValueSaysSo(t *testing.T) {
	dwaar(t, "run", "--config").expect(t, 2, "dwaar: --config: a value is missing (see dwaar run --help)")
	verify := []string{"ocsp", "verify", "--cert", "a", "--issuer", "b", "--response", "c", "--at"}
	dwaar(t, verify...).expect(t, 2, "dwaar: --at: a value is missing")
	dwaar(t, append(verify, "tomorrow")...).expect(t, 2, `"tomorrow" is not like 2026-03-01T12:00:00Z`)
}
