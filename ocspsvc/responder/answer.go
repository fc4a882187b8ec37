package responder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"dwaar/ocspsvc"
)

// Answer is a response ready to be sent by a Handler, with those header fields of
// RFC 9919 §6 that never change. Nothing changes it, so many requests may share it.
type Answer struct {
	der                    []byte
	word                   string    // what it says, for the counters
	thisUpdate, nextUpdate time.Time // no nextUpdate: caches may not have it

	etag, length, lastModified, expires []string

	control atomic.Pointer[cacheControl] // the last one that was sent
}

// NewAnswer prepares a response of some other responder, whose octets are sent as
// they are. It may be kept until the first nextUpdate of its singles, and not beyond
// until, if that is not zero.
func NewAnswer(response *ocspsvc.Response, until time.Time) *Answer {
	if response.ResponseStatus != ocspsvc.Successful {
		return errorAnswer(response.ResponseStatus)
	}
	var thisUpdate time.Time
	nextUpdate := until
	for i, single := range response.Singles {
		if single.NextUpdate.IsZero() {
			return prepare(response.Raw, wordOf(response.Singles), time.Time{}, time.Time{})
		}
		if i == 0 || single.ThisUpdate.After(thisUpdate) {
			thisUpdate = single.ThisUpdate
		}
		if nextUpdate.IsZero() || single.NextUpdate.Before(nextUpdate) {
			nextUpdate = single.NextUpdate
		}
	}
	return prepare(response.Raw, wordOf(response.Singles), thisUpdate, nextUpdate)
}

// prepare makes an answer of a response in DER.
func prepare(der []byte, word string, thisUpdate, nextUpdate time.Time) *Answer {
	a := &Answer{der: der, word: word, thisUpdate: thisUpdate, nextUpdate: nextUpdate, length: []string{strconv.Itoa(len(der))}}
	if !nextUpdate.IsZero() {
		sum := sha256.Sum256(der)
		a.etag = []string{`"` + hex.EncodeToString(sum[:]) + `"`}
		a.lastModified = []string{thisUpdate.UTC().Format(http.TimeFormat)}
		a.expires = []string{nextUpdate.UTC().Format(http.TimeFormat)}
	}
	return a
}

// errorAnswer is the unsigned response that says status.
func errorAnswer(status ocspsvc.ResponseStatus) *Answer {
	return prepare(ocspsvc.MarshalError(status), status.String(), time.Time{}, time.Time{})
}

// wordOf is the status of all singles, or "several" if they differ.
func wordOf(singles []ocspsvc.Single) string {
	for _, single := range singles {
		if single.Status != singles[0].Status {
			return "several"
		}
	}
	if len(singles) == 0 {
		return "nothing"
	}
	return singles[0].Status.String()
}

// refusal is why a request gets an unsigned error.
type refusal struct {
	status ocspsvc.ResponseStatus
	err    error
}

func refuse(status ocspsvc.ResponseStatus, format string, args ...any) error {
	return &refusal{status, fmt.Errorf(format, args...)}
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %v", r.status, r.err) }
func (r *refusal) Unwrap() error { return r.err }

// statusOf is the OCSP error for an error of a Source.
func statusOf(err error) ocspsvc.ResponseStatus {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r.status
	case errors.Is(err, ocspsvc.ErrNotOurs):
		return ocspsvc.Unauthorized
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ocspsvc.TryLater
	}
	return ocspsvc.InternalError
}
