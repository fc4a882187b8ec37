package ocspsvc

import (
	"errors"
	"fmt"
)

// ErrNotOurs is what a Source returns for a certificate of an issuer it does
// not answer for. A responder says `unauthorized` then (RFC 6960 §2.3).
var ErrNotOurs = errors.New("not a certificate of an issuer answered for here")

// Error is a failure to get, read or accept an OCSP response, together with
// the one word that status, logs and verdicts report for it.
type Error struct {
	Reason Reason
	Err    error
}

// Error is the reason word followed by the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Reason)
	}
	return string(e.Reason) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the reason word of the first *Error in err's chain, and ""
// for nil and for an error that carries none.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// Refuse makes an *Error from a reason and a formatted cause.
func Refuse(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Err: fmt.Errorf(format, args...)}
}
