package client

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/fault"
)

// Attempt is one failed try of a round.
type Attempt struct {
	URL   string // as in the certificate or override
	Asked string // how: address, method and hash; empty if it did not come to asking
	Err   error  // an *ocspsvc.Error
}

// FetchError lists every attempt of a round in which none succeeded.
type FetchError struct{ Attempts []Attempt }

// Error names each URL with what went wrong.
func (e *FetchError) Error() string {
	var parts []string
	for _, a := range e.Attempts {
		asked := ""
		if a.Asked != "" {
			asked = " (" + a.Asked + ")"
		}
		part := fmt.Sprintf("%s%s: %v", printable(a.URL), asked, a.Err)
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the errors of all attempts.
func (e *FetchError) Unwrap() []error {
	var errs []error
	for _, a := range e.Attempts {
		errs = append(errs, a.Err)
	}
	return errs
}

// RetryAfter is how long the responders want to be left alone: the shortest
// that one of them asked for, at most an hour, 0 if none did.
func (e *FetchError) RetryAfter() time.Duration {
	var shortest time.Duration
	for _, a := range e.Attempts {
		if wish := fault.Wish(a.Err); wish > 0 && (shortest == 0 || wish < shortest) {
			shortest = wish
		}
	}
	return shortest
}

// statusError is an OCSP error instead of an answer (RFC 6960 §2.3).
type statusError struct{ status ocspsvc.ResponseStatus }

// ResponseStatus is what the responder answered.
func (e *statusError) ResponseStatus() ocspsvc.ResponseStatus { return e.status }

func (e *statusError) Error() string { return "the responder answered " + e.status.String() }

// summary is the error of the round, under the word of the attempt that got
// furthest: what a responder said tells more than that another was down.
func (e *FetchError) summary() error {
	furthest := ocspsvc.ReasonUnreachable
	for i, a := range e.Attempts {
		if reason := ocspsvc.ReasonOf(a.Err); i == 0 || distance(reason) > distance(furthest) {
			furthest = reason
		}
	}
	return &ocspsvc.Error{Reason: furthest, Err: e}
}

// distance orders reasons by how far the attempt got. A refused address beats
// the failures of the network, because it stays until somebody acts.
func distance(reason ocspsvc.Reason) int {
	order := []ocspsvc.Reason{
		ocspsvc.ReasonUnreachable, ocspsvc.ReasonTimeout, ocspsvc.ReasonBlockedAddress, ocspsvc.ReasonHTTPError,
		ocspsvc.ReasonTooLarge, ocspsvc.ReasonMalformed, ocspsvc.ReasonResponderError,
	}
	if i := slices.Index(order, reason); i >= 0 {
		return i
	}
	return len(order) // refused by Verify
}

// droppedError is a connection that broke, or spoke no HTTP, once it was there.
type droppedError struct{ error }

func (e *droppedError) Unwrap() error { return e.error }

// printable quotes a URL that could disturb a log, and bounds it.
func printable(raw string) string {
	if len(raw) > 200 {
		raw = raw[:200] + "…"
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\ufffd' || (r >= 0x80 && r != '…') }) {
		return fmt.Sprintf("%q", raw)
	}
	return raw
}
