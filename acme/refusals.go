package acme

import (
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// refusalsKept bounds what strangers who invent names can make us remember.
const refusalsKept = 10_000

// How long a name is refused without another look.
const (
	notPermittedFor = time.Minute
	notAskedFor     = 10 * time.Second
	failedFor       = time.Minute // after the first failed order; then 2 min, 4 min …
	failedAtMost    = time.Hour
)

// refusals remembers on-demand names that are not to be had at the moment.
type refusals struct {
	names *lru.Cache[string, refusal]
}

type refusal struct {
	err      error
	until    time.Time
	failures int // orders that failed, in a row
}

func newRefusals() (*refusals, error) {
	names, err := lru.New[string, refusal](refusalsKept)
	return &refusals{names: names}, err
}

// of is why name is not to be had now, or nil.
func (r *refusals) of(name string, now time.Time) error {
	if known, ok := r.names.Get(name); ok && now.Before(known.until) {
		return known.err
	}
	return nil
}

// add remembers why name was not to be had.
func (r *refusals) add(name string, err error, now time.Time) {
	known, _ := r.names.Peek(name)
	next := refusal{err: err}
	switch {
	case errors.Is(err, ErrNotPermitted):
		next.until = now.Add(notPermittedFor)
	case errors.Is(err, ErrNotAsked):
		next.until, next.failures = now.Add(notAskedFor), known.failures
	default:
		next.failures = known.failures + 1
		pause := min(failedFor<<min(known.failures, 10), failedAtMost)
		next.until = now.Add(aLittleMore(pause))
	}
	r.names.Add(name, next)
}

func (r *refusals) forget(name string) { r.names.Remove(name) }
