package relay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"dwaar/ocspsvc"
)

// load returns what storage has for a key. It gives up soon.
func (s *shelf) load(ctx context.Context, k key) (record, error) {
	if s.storage == nil {
		return record{}, fs.ErrNotExist
	}
	select {
	case s.loads <- struct{}{}:
	default:
		return record{}, errors.New("storage has not finished earlier readings")
	}
	ctx, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	type result struct {
		record record
		err    error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-s.loads }()
		r, err := s.read(ctx, k)
		done <- result{r, err}
	}()
	select {
	case got := <-done:
		return got.record, got.err
	case <-ctx.Done():
		return record{}, ctx.Err()
	}
}

func (s *shelf) read(ctx context.Context, k key) (record, error) {
	data, err := s.storage.Load(ctx, k.name())
	if err != nil {
		return record{}, err
	}
	return unmarshalRecord(k, data)
}

// stored is the answer that storage has, if it can be believed now, or nil.
func (r *Relay) stored(ctx context.Context, s subject) *answer {
	kept, err := r.shelf.load(ctx, s.key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var a *answer
	if err == nil {
		a, err = verifyStored(s, kept)
	}
	switch reason := ocspsvc.ReasonOf(err); {
	case err == nil, reason == ocspsvc.ReasonExpired:
	case reason != "", errors.Is(err, errCorrupt), errors.Is(err, errForeign):
		r.log.Warn("a stored OCSP answer is ignored", append(s.attrs(), "err", err)...)
	default: // storage itself, about which every miss would say something
		r.counts.storeErrors.Inc()
		r.log.Debug("reading a stored OCSP answer", append(s.attrs(), "reason", ocspsvc.ReasonStoreError, "err", err)...)
	}
	return a
}

func verifyStored(s subject, kept record) (*answer, error) {
	response, err := ocspsvc.ParseResponse(kept.answer.response.Raw)
	if err != nil {
		return nil, err
	}
	a, err := judge(s, response, kept.answer.refreshed, time.Now())
	if err == nil && !a.lasting {
		return nil, fmt.Errorf("%w: %s is not kept", errCorrupt, a.status)
	}
	return a, err
}
