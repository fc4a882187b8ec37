package pebble

import (
	"crypto/rand"
	"encoding/base64"
	"testing"
	"time"
)

// Config says how a Pebble behaves. The zero value is a patient CA: no faults, orders
// validated anew (99 of 100), certificates for 90 days without a responder.
type Config struct {
	HTTPPort int // where http-01 is validated, on 127.0.0.1
	TLSPort  int // where tls-alpn-01 is validated, on 127.0.0.1

	OCSP     string        // the responder's URL in issued certificates
	CRL      string        // the URL of the CRL in issued certificates; Pebble's own name none
	Lifetime time.Duration // of issued certificates; 90 days if zero
	Resolver string        // address of the DNS server validation asks, by TCP; the Pebble's own Zone if empty

	NonceReject int               // percent of good nonces that are refused
	AuthzReuse  int               // percent of orders that reuse a valid authorization, at least 1
	AlwaysValid bool              // validate nothing, for tests that are not about challenges
	EAB         map[string]string // HMAC keys (base64url) by key ID; if any, accounts need one
	Blocked     []string          // names no order may contain
}

// HMACKey makes a key for Config.EAB.
func HMACKey(t testing.TB) string {
	t.Helper()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(key)
}

// environment is how Pebble takes its faults; it reads it while it is built.
func (c Config) environment() map[string]int {
	env := map[string]int{
		"PEBBLE_WFE_NONCEREJECT": c.NonceReject,
		"PEBBLE_AUTHZREUSE":      max(c.AuthzReuse-1, 0), // it rolls for more than this
		"PEBBLE_VA_NOSLEEP":      1,
		"PEBBLE_VA_ALWAYS_VALID": 0,
	}
	if c.AlwaysValid {
		env["PEBBLE_VA_ALWAYS_VALID"] = 1
	}
	return env
}
