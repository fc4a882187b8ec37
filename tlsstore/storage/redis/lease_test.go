package redis_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
)

// lockServer knows locks alone, by the clock of the test.
type lockServer struct {
	mu      sync.Mutex
	holder  string
	until   time.Time
	renewed int
	down    bool
}

func (l *lockServer) answer(command []string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return hangUp
	}
	if command[0] != "evalsha" {
		return "+OK\r\n"
	}
	held := time.Now().Before(l.until)
	token := command[len(command)-2]
	switch command[1] {
	case redis.LockScript:
		if held {
			return ":0\r\n"
		}
		l.holder, l.until = token, time.Now().Add(15*time.Second)
		return ":1\r\n"
	case redis.ExtendScript:
		if !held || token != l.holder {
			return ":0\r\n"
		}
		l.until, l.renewed = time.Now().Add(15*time.Second), l.renewed+1
		return ":1\r\n"
	case redis.UnlockScript:
		if !held || command[len(command)-1] != l.holder {
			return ":0\r\n"
		}
		l.until = time.Time{}
		return ":1\r\n"
	}
	return "$4\r\ndone\r\n"
}

func (l *lockServer) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *lockServer) renewals() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewed
}

// A lock is held for as long as its holder lives, by a renewal each five seconds; given back, by none.
func TestALeaseIsRenewedAtAThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locks := &lockServer{}
		s := (&oddServer{answer: greets(locks.answer)}).open(t, t.Output())
		if err := s.Lock(t.Context(), "l"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Minute + time.Second)
		if n := locks.renewals(); n != 120 {
			t.Errorf("renewed %d times in ten minutes", n)
		}
		if err := s.Store(storage.Under(t.Context(), "l"), "k", nil); err != nil {
			t.Errorf("Store under it = %v", err)
		}
		if err := s.Unlock(t.Context(), "l"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if n := locks.renewals(); n != 120 {
			t.Errorf("renewed %d times after it was given back", n-120)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// An outage shorter than what is left of the lease is nothing; a longer one loses the lock at its
// end, also as the holder knows, and before the server gives it to another.
func TestALeaseEndsWithALongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		locks := &lockServer{}
		s := (&oddServer{answer: greets(locks.answer)}).open(t, &log)
		under := storage.Under(t.Context(), "l")
		if err := s.Lock(t.Context(), "l"); err != nil {
			t.Fatal(err)
		}
		outage := func(d time.Duration) {
			locks.set(true)
			time.Sleep(d)
			locks.set(false)
		}
		time.Sleep(time.Second)
		outage(9 * time.Second) // renewals at 5 s and 10 s fail
		time.Sleep(6 * time.Second)
		if err := s.Store(under, "k", nil); err != nil {
			t.Errorf("Store after a short outage = %v", err)
		}
		outage(16 * time.Second)
		if err := s.Store(under, "k", nil); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Store after a long outage = %v", err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !strings.Contains(log.String(), `level=WARN msg="a lock was lost before it was given back" lock=l`) {
			t.Errorf("the log does not tell: %s", log.String())
		}
		if err := s.Unlock(t.Context(), "l"); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Unlock = %v", err)
		}
		if err := s.Lock(t.Context(), "l"); err != nil {
			t.Errorf("Lock again = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second)
	})
}

// A holder whose lease was lost and who does not know it yet: nobody else in this process gets the
// lock until it was given back. Locks go by names alone, so the one would write under the lock of
// the other, and give it back.
func TestALostLockIsNotTakenAgainBeforeItIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locks := &lockServer{}
		s := (&oddServer{answer: greets(locks.answer)}).open(t, t.Output())
		if err := s.Lock(t.Context(), "l"); err != nil {
			t.Fatal(err)
		}
		locks.set(true)
		time.Sleep(16 * time.Second)
		locks.set(false)
		if ours, err := s.TryLock(t.Context(), "l"); ours || err != nil {
			t.Errorf("TryLock before the lost one was given back = %v, %v", ours, err)
		}
		if err := s.Store(storage.Under(t.Context(), "l"), "k", nil); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Store under the lost one = %v", err)
		}
		if err := s.Unlock(t.Context(), "l"); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Unlock of the lost one = %v", err)
		}
		if ours, err := s.TryLock(t.Context(), "l"); !ours || err != nil {
			t.Errorf("TryLock = %v, %v", ours, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second)
	})
}
