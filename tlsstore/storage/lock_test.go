package storage_test

import (
	"sync"
	"sync/atomic"
	"testing"
)

// The holder removes the lock's file when it unlocks. Whoever has opened that file just
// before locks something nobody else will look at, and must notice.
func TestALockOnARemovedFileIsNoLock(t *testing.T) {
	dir := t.TempDir()
	var holders atomic.Int32
	var workers sync.WaitGroup
	for range 4 {
		s := open(t, dir)
		workers.Go(func() {
			for range 2000 {
				ok, err := s.TryLock(t.Context(), "lock")
				if err != nil {
					t.Error(err)
				}
				if !ok {
					continue
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders", n)
				}
				holders.Add(-1)
				if err := s.Unlock(t.Context(), "lock"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}
