package client_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
)

// wish is how a caller reads it.
func wish(err error) time.Duration {
	var later interface {
		error
		RetryAfter() time.Duration
	}
	if !errors.As(err, &later) {
		return -1
	}
	return later.RetryAfter()
}

func TestErrorsCarryRetryAfter(t *testing.T) {
	for _, fault := range []ocsptest.Fault{ocsptest.HTTP503, ocsptest.HTTP500, ocsptest.TryLater} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.responder.Change(func(s *ocsptest.Settings) { s.Fault, s.RetryAfter = fault, "90" })
			if _, err := w.fetch(); wish(err) != 90*time.Second {
				t.Errorf("%s: RetryAfter = %v, want 90s (%v)", fault, wish(err), err)
			}
		})
	}
}

func TestTheShortestRetryAfterCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("other.example", "8.8.4.4")
		other := w.another("8.8.4.4:80", ocsptest.TryLater)
		w.urls("http://ocsp.example/", "http://other.example/", "http://nowhere.example/")
		w.responder.Change(func(s *ocsptest.Settings) { s.Fault, s.RetryAfter = ocsptest.HTTP503, "600" })
		other.Change(func(s *ocsptest.Settings) { s.RetryAfter = "60" })
		if _, err := w.fetch(); wish(err) != time.Minute {
			t.Errorf("RetryAfter = %v, want 1m", wish(err))
		}
	})
}

func TestWithoutRetryAfterThereIsNoWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Set(ocsptest.HTTP503)
		if _, err := w.fetch(); wish(err) != 0 {
			t.Errorf("RetryAfter = %v, want 0", wish(err))
		}
	})
}
