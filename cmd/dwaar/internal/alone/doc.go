// Package alone serves OCSP requests on listeners of their own, and nothing
// else: what `dwaar responder` and `dwaar relay` do.
package alone
