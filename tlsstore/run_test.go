package tlsstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

// run starts Run and returns what stops it and checks its error.
func run(t *testing.T, s *tlsstore.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	}
}

func TestAnUnstapledHandshakeIsPassedOnAtMostEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCA(t)
		i, off := c.leaf("a.example"), c.leaf("off.example")
		without := on(off.pair(t), "off.example")
		without.OCSPOff = true
		s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"), without)
		var calls atomic.Int32
		hang := make(chan struct{})
		s.OnUnstapled(func(leaf [32]byte) {
			if calls.Add(1); leaf != i.fingerprint() {
				t.Error("passed on another leaf")
			}
			<-hang // a slow callee delays no handshake
		})
		stop := run(t, s)
		for range 5 {
			shown(t, s, "a.example")
			shown(t, s, "off.example")
		}
		synctest.Wait()
		if calls.Load() != 1 {
			t.Errorf("%d calls, want 1", calls.Load())
		}
		close(hang)
		time.Sleep(9 * time.Second)
		shown(t, s, "a.example")
		synctest.Wait()
		if calls.Load() != 1 {
			t.Errorf("%d calls after 9 s, want 1", calls.Load())
		}
		time.Sleep(time.Second)
		shown(t, s, "a.example")
		synctest.Wait()
		if calls.Load() != 2 {
			t.Errorf("%d calls after 10 s, want 2", calls.Load())
		}
		s.Attach(i.fingerprint(), i.staple(""))
		time.Sleep(time.Minute)
		shown(t, s, "a.example")
		synctest.Wait()
		if calls.Load() != 2 {
			t.Errorf("%d calls for a stapled handshake, want 2", calls.Load())
		}
		stop()
	})
}

func TestNothingIsPassedOnBeyondTheQueueAndNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, key := newCA(t), newKey(t, "P-256")
		s := newStore(t, tlsstore.Config{})
		for range 300 { // more than fit
			apply(t, s, on(c.leafOf(key, "a.example").pair(t), "a.example"))
			choose(t, s, "a.example", 5)
		}
		var calls atomic.Int32
		s.OnUnstapled(func([32]byte) { calls.Add(1) })
		defer run(t, s)()
		synctest.Wait()
		if calls.Load() != 256 {
			t.Errorf("%d calls, want 256", calls.Load())
		}
		choose(t, s, "a.example", 5) // one that was dropped asks again at once
		synctest.Wait()
		if calls.Load() != 257 {
			t.Errorf("%d calls, want 257", calls.Load())
		}
	})
}

func TestRefusalsAreLoggedOnceInTenSecondsForEachReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		c := newCA(t)
		i, must := c.leaf("a.example"), c.leaf("m.example", mustStaple)
		s := newLoggedStore(t, log.logger(),
			tlsstore.Config{MustStapleWait: time.Hour}, on(i.pair(t), "a.example"), on(must.pair(t), "m.example"))
		s.SetRevoked(i.fingerprint(), true)
		for range 2 {
			for range 50 {
				for _, sni := range []string{"a.example", "m.example", "unknown.example"} {
					client{sni: sni}.refused(t, s)
				}
			}
			time.Sleep(10 * time.Second)
		}
		for _, want := range []string{
			"level=WARN msg=\"handshake refused\" reason=revoked sni=a.example serial=" + i.pair(t).Serial + " suppressed=49",
			"level=WARN msg=\"handshake refused\" reason=must_staple sni=m.example serial=" + must.pair(t).Serial,
			"level=DEBUG msg=\"handshake refused\" reason=unknown_name sni=unknown.example serial=\"\"",
		} {
			if log.count(want) == 0 {
				t.Errorf("log lacks %s", want)
			}
		}
		if n := log.count("handshake refused"); n != 6 {
			t.Errorf("%d lines, want 6:\n%s", n, log.String())
		}
	})
}

func TestAnExpiredCertificateIsServedWithOneWarning(t *testing.T) {
	var log logbook
	i := newCA(t).leaf("a.example", expired)
	s := newLoggedStore(t, log.logger(), tlsstore.Config{}, on(i.pair(t), "a.example"))
	apply(t, s, on(i.pair(t), "a.example"))
	if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(i.leaf) {
		t.Error("an expired certificate is not served")
	}
	if n := log.count("the certificate expired at "); n != 1 {
		t.Errorf("%d warnings:\n%s", n, log.String())
	}
}
