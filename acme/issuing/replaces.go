package issuing

import (
	"context"
	"crypto/x509"
	"reflect"
)

// replacing is a context that tells certmagic's ACME issuer which certificate an order
// replaces (RFC 9773 §5): CAs exempt such orders from rate limits. Certmagic's own renewal
// passes it as a context value under a key it does not export; that renewal itself is of no
// use here, as it asks on stdin or retries for a month.
type replacing struct {
	context.Context
	leaf *x509.Certificate
}

// Value implements context.Context.
func (c replacing) Value(key any) any {
	k := reflect.ValueOf(key)
	if k.IsValid() && k.Kind() == reflect.String && k.Type().PkgPath() == certmagicPath && k.String() == "ari_replaces" {
		return c.leaf
	}
	return c.Context.Value(key)
}

const certmagicPath = "github.com/caddyserver/certmagic"
