package main

import "testing"

func TestAnEmptyNameIsNotEveryName(t *testing.T) {
	t.Setenv("DWAAR_DATA", t.TempDir())
	for _, args := range [][]string{{"certs", "show", ""}, {"certs", "renew", ""}, {"certs", "reissue", ""}} {
		dwaar(t, args...).expect(t, 2, "dwaar: the name is empty")
	}
}
