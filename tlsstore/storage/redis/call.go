package redis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"dwaar/tlsstore/storage"
)

// perByte is what a call may take longer for each byte it sends: 8 MiB a second.
const perByte = time.Second / (8 << 20)

// errMissing is what a call of ours makes of the server's "nothing". It is not fs.ErrNotExist, as
// a socket that is not there is that, too.
var errMissing = errors.New("it is not there")

var errClosed = fmt.Errorf("%w: it was closed", storage.ErrUnavailable)

// call asks the server, for as long as ctx and the bounds allow. When ctx is done it returns at
// once; f may still run to its end, and what it then returns goes to undo.
//
// An error is the caller's own if ctx is done, errMissing of f, or else ErrUnavailable: whatever a server may say
// that no script of ours expects, it is nothing about a key.
func call[T any](ctx context.Context, s *Store, bytes int, f func(ctx context.Context) (T, error), undo func(T)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if !s.enter() {
		return none, errClosed
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer)
	bounded, cancel := context.WithTimeout(ctx, callTimeout+time.Duration(bytes)*perByte)
	go func() {
		defer s.calls.Done()
		defer cancel()
		value, err := f(bounded)
		select {
		case answers <- answer{value, err}:
		case <-ctx.Done():
			if err == nil && undo != nil {
				undo(value)
			}
		}
	}()
	select {
	case a := <-answers:
		return a.value, s.verdict(ctx, a.err)
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// verdict says what an error of the client means.
func (s *Store) verdict(ctx context.Context, err error) error {
	if err == nil || err == errMissing {
		return err
	}
	if own := ctx.Err(); own != nil {
		return own
	}
	timedOut := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	if until, ok := ctx.Deadline(); ok && timedOut && !time.Now().Before(until) {
		return context.DeadlineExceeded // the connection has noticed before ctx
	}
	// Not wrapped: a deadline of ours is not one of the caller's.
	text := err.Error()
	switch {
	case timedOut:
		text = "the server does not answer: " + text
	case redis.HasErrorPrefix(err, "MOVED"), redis.HasErrorPrefix(err, "CROSSSLOT"):
		text = "it is a part of a Redis Cluster, and has to be a server of its own: " + text
	}
	if s.secret != "" { // a server repeats a command that it does not know
		text = strings.ReplaceAll(text, s.secret, "xxxxx")
	}
	return fmt.Errorf("%w: %s", storage.ErrUnavailable, text)
}
