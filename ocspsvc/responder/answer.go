package responder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"dwaar/ocspsvc"
)

// answer is a response ready to be sent, with the headers that never change.
type answer struct {
	der                    []byte
	word                   string    // what it says, for the counters
	thisUpdate, nextUpdate time.Time // no nextUpdate: caches may not have it

	etag, length, lastModified, expires []string
}

// newAnswer prepares a signed response.
func newAnswer(der []byte, word string, thisUpdate, nextUpdate time.Time) *answer {
	a := &answer{der: der, word: word, thisUpdate: thisUpdate, nextUpdate: nextUpdate, length: []string{strconv.Itoa(len(der))}}
	if !nextUpdate.IsZero() {
		sum := sha256.Sum256(der)
		a.etag = []string{`"` + hex.EncodeToString(sum[:]) + `"`}
		a.lastModified = []string{thisUpdate.UTC().Format(http.TimeFormat)}
		a.expires = []string{nextUpdate.UTC().Format(http.TimeFormat)}
	}
	return a
}

// errorAnswer is the unsigned response that says status.
func errorAnswer(status ocspsvc.ResponseStatus) *answer {
	return newAnswer(ocspsvc.MarshalError(status), status.String(), time.Time{}, time.Time{})
}

// answerOf prepares what some other Source says. It holds while all its singles
// do.
func answerOf(response *ocspsvc.Response) *answer {
	if response.ResponseStatus != ocspsvc.Successful {
		return errorAnswer(response.ResponseStatus)
	}
	var thisUpdate, nextUpdate time.Time
	for i, single := range response.Singles {
		if single.NextUpdate.IsZero() {
			return newAnswer(response.Raw, wordOf(response.Singles), time.Time{}, time.Time{})
		}
		if i == 0 || single.ThisUpdate.After(thisUpdate) {
			thisUpdate = single.ThisUpdate
		}
		if i == 0 || single.NextUpdate.Before(nextUpdate) {
			nextUpdate = single.NextUpdate
		}
	}
	return newAnswer(response.Raw, wordOf(response.Singles), thisUpdate, nextUpdate)
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
