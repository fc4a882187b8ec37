package mirror_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
)

// What is to replace a certain value is not owed: whether that is still there nobody can see.
func TestNothingIsReplacedDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, "ocsp/1", "read")
		time.Sleep(patience)
		n.down.Store(true)
		n.want(t, "ocsp/1", "read")
		err := n.Mirror.Store(storage.Replacing(t.Context(), []byte("read")), "ocsp/1", []byte("again"))
		if owed := n.Status().Owed; !errors.Is(err, storage.ErrUnavailable) || owed != 0 {
			t.Errorf("Store = %v, and %d are owed; want ErrUnavailable, and none", err, owed)
		}
		n.wantLocal(t, "ocsp/1", "read")
	})
}
