package issuing

import (
	"context"
	"crypto/x509"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/mholt/acmez/v3/acme"
)

// tell returns the context of an order that tells the CA what it replaces, if it comes from it.
func tell(ctx context.Context, c IssuerConfig, replaces *Certificate) context.Context {
	if replaces == nil || replaces.Issuer != c.key() {
		return ctx
	}
	return replacing{ctx, replaces.Leaf}
}

// refusesToReplace reports whether an order failed for what it said that it replaces, or may
// have: the CA was set up anew and knows the certificate no longer, or it was another account's.
// Some CAs say serverInternal where they do not find the certificate. (When it is replaced
// already, acmez orders again by itself.) An order that says nothing is always allowed, and a
// certificate must not expire for a courtesy.
func refusesToReplace(err error) bool {
	var problem acme.Problem
	return errors.As(err, &problem) && strings.Contains(err.Error(), "creating new order") &&
		slices.Contains([]string{acme.ProblemTypeMalformed, acme.ProblemTypeUnauthorized, acme.ProblemTypeServerInternal}, problem.Type)
}

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
