package mirror_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"dwaar/tlsstore/storage"
)

// put stores something that has to be stored.
func (n *machine) put(t *testing.T, key, value string) {
	t.Helper()
	if err := n.Mirror.Store(t.Context(), key, []byte(value)); err != nil {
		t.Errorf("Store(%s) = %v", key, err)
	}
	time.Sleep(time.Millisecond) // no two values are of the same time
}

func (n *machine) remove(t *testing.T, key string) {
	t.Helper()
	if err := n.Mirror.Delete(t.Context(), key); err != nil {
		t.Errorf("Delete(%s) = %v", key, err)
	}
	time.Sleep(time.Millisecond)
}

// want checks a value; "" is none.
func (n *machine) want(t *testing.T, key, want string) {
	t.Helper()
	got, err := n.Mirror.Load(t.Context(), key)
	if want == "" {
		if there, existsErr := n.Mirror.Exists(t.Context(), key); !errors.Is(err, fs.ErrNotExist) || there || existsErr != nil {
			t.Errorf("%s is %q, %v (Exists %v, %v); want none", key, got, err, there, existsErr)
		}
		return
	}
	if string(got) != want || err != nil {
		t.Errorf("%s is %q, %v; want %q", key, got, err, want)
	}
}

// wantShared checks what the shared storage has; "" is nothing.
func (n *machine) wantShared(t *testing.T, key, want string) {
	t.Helper()
	if got := n.memory.get(key); got != want {
		t.Errorf("the shared storage has %q under %s, want %q", got, key, want)
	}
}

// wantLocal checks what the local copy has; "" is nothing.
func (n *machine) wantLocal(t *testing.T, key, want string) {
	t.Helper()
	got, err := n.disk.Load(t.Context(), "data/"+key)
	if string(got) != want || err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the local copy has %q under %s, %v; want %q", got, key, err, want)
	}
}

func (n *machine) wantUp(t *testing.T) {
	t.Helper()
	if s := n.Status(); !s.Up || s.Error != "" || s.Owed != 0 || !s.Whole {
		t.Errorf("status = %+v, want up, whole and nothing owed", s)
	}
}

func (n *machine) wantDown(t *testing.T, why string) {
	t.Helper()
	if s := n.Status(); s.Up || !strings.Contains(s.Error, why) {
		t.Errorf("status = %+v, want down: %s", s, why)
	}
}

// wantUnavailable checks that keys cannot be read, at once.
func (n *machine) wantUnavailable(t *testing.T, keys ...string) {
	t.Helper()
	began := time.Now()
	for _, key := range keys {
		value, err := n.Mirror.Load(t.Context(), key)
		if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load(%s) = %q, %v; want ErrUnavailable", key, value, err)
		}
		if there, err := n.Mirror.Exists(t.Context(), key); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Exists(%s) = %v, %v; want ErrUnavailable", key, there, err)
		}
	}
	if waited := time.Since(began); waited > 0 {
		t.Errorf("reading took %v", waited)
	}
}
