package issuing_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"testing"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
)

// mortal is a storage whose process is killed after some writes: the next ones, and
// everything after them, do not happen.
type mortal struct {
	storage.Storage
	writes, had int
}

var errKilled = errors.New("killed")

func (m *mortal) write() error {
	if m.had++; m.had > m.writes {
		return errKilled
	}
	return nil
}

func (m *mortal) Store(ctx context.Context, key string, value []byte) error {
	if err := m.write(); err != nil {
		return fmt.Errorf("%w while storing %s", err, key)
	}
	return m.Storage.Store(ctx, key, value)
}

func (m *mortal) Delete(ctx context.Context, key string) error {
	if err := m.write(); err != nil {
		return fmt.Errorf("%w while deleting %s", err, key)
	}
	return m.Storage.Delete(ctx, key)
}

// job is what a process was doing; old is nil if there was no certificate yet.
type job func(t *testing.T, i *issuing.Issuing, ca *fakeCA, old *issuing.Certificate) error

// Every write is the last one once. What a kill leaves is, for who comes after, the old
// certificate, the new one, or none to load; and nothing half done stays for good.
func TestAKillBetweenAnyTwoWrites(t *testing.T) {
	t.Parallel()
	jobs := map[string]job{
		"obtain": func(t *testing.T, i *issuing.Issuing, ca *fakeCA, _ *issuing.Certificate) error {
			_, err := i.Obtain(soon(t), policy(ca), name)
			return err
		},
		"renew": func(t *testing.T, i *issuing.Issuing, ca *fakeCA, old *issuing.Certificate) error {
			_, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: old})
			return err
		},
		"replace": func(t *testing.T, i *issuing.Issuing, ca *fakeCA, old *issuing.Certificate) error {
			if err := i.Quarantine(soon(t), old, "revoked"); err != nil {
				return err
			}
			_, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: old})
			return err
		},
	}
	for what, job := range jobs {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for writes := range survive(t, what, job, math.MaxInt) {
				t.Run(strconv.Itoa(writes), func(t *testing.T) {
					t.Parallel()
					survive(t, what, job, writes)
				})
			}
		})
	}
}

// survive does a job that is killed after so many writes, judges what is left, and returns how
// many it had.
func survive(t *testing.T, what string, job job, writes int) (had int) {
	t.Helper()
	ca, dir := newFakeCA(t), t.TempDir()
	var old *issuing.Certificate
	if what != "obtain" {
		old = obtain(t, open(t, dir), policy(ca))
	}
	dying := &mortal{Storage: openStorage(t, dir), writes: writes}
	err := job(t, issuing.New(dying, nil, logger(t), issuing.Options{}), ca, old)
	t.Logf("killed after %d writes: %v", writes, err)
	judgeSurvivor(t, dir, ca, old)
	return dying.had
}

func judgeSurvivor(t *testing.T, dir string, ca *fakeCA, old *issuing.Certificate) {
	t.Helper()
	i := open(t, dir)
	condemned := old != nil && len(list(t, dir, quarantineOf(old))) > 0
	loaded, err := i.Load(t.Context(), policy(ca), name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist), err != nil && old != nil && !condemned:
		t.Errorf("Load = %v", err)
	case err == nil && condemned && loaded.Leaf.Equal(old.Leaf):
		t.Error("the revoked certificate loads")
	}
	if err := i.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	judgeFiles(t, dir, condemned)
	settled, settledErr := i.Load(t.Context(), policy(ca), name)
	if (err == nil) != (settledErr == nil) || err == nil && !settled.Leaf.Equal(loaded.Leaf) {
		t.Errorf("Load = %v, %v after Settle, and before %v, %v", settled, settledErr, loaded, err)
	}
	ca.fail(refuseOrders)
	_, _ = i.Obtain(soon(t), policy(ca), name) // no luck, but it clears up
	for _, file := range list(t, dir, "certificates") {
		text, err := openStorage(t, dir).Load(t.Context(), file)
		if err != nil || condemned && string(text) == string(old.KeyPEM) {
			t.Errorf("the revoked key is still in %s (%v)", file, err)
		}
	}
	ca.fail(nil)
	cert := obtain(t, i, policy(ca))
	if condemned && string(cert.KeyPEM) == string(old.KeyPEM) {
		t.Error("the revoked key is in use")
	}
	if left := list(t, dir, "pending"); len(left) != 0 {
		t.Errorf("still pending: %v", left)
	}
	if condemned {
		if err := i.Quarantine(soon(t), old, "revoked"); err != nil {
			t.Error(err)
		}
		if got := list(t, dir, quarantineOf(old)); len(got) != 4 {
			t.Errorf("the evidence is %v, want the three files and why.json", got)
		}
	}
	if len(ca.accounts) != 1 {
		t.Errorf("%d accounts at the CA: the key of one was lost", len(ca.accounts))
	}
}

// judgeFiles checks what Settle leaves for who reads the files: a pair with what is known about
// it, or none; of a condemned one perhaps half.
func judgeFiles(t *testing.T, dir string, condemned bool) {
	t.Helper()
	if left := list(t, dir, "pending"); len(left) != 0 {
		t.Errorf("pending after Settle: %v", left)
	}
	base := filepath.Join(dir, "certificates", "*", name, name)
	crt, _ := filepath.Glob(base + ".crt")
	key, _ := filepath.Glob(base + ".key")
	meta, _ := filepath.Glob(base + ".json")
	if !condemned && (len(crt) != len(key) || len(crt) != len(meta)) {
		t.Errorf("files after Settle: %v %v %v", crt, key, meta)
	}
	if len(crt) == 1 && len(key) == 1 {
		if _, err := tls.LoadX509KeyPair(crt[0], key[0]); err != nil {
			t.Errorf("after Settle: %v", err)
		}
	}
}
