package respstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/respstore"
	"dwaar/tlsstore/storage"
)

var (
	_  respstore.Storage = storage.Storage(nil)
	t0                   = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
)

func TestARecordComesBackByteForByteAfterARestart(t *testing.T) { // S1, S3, S5
	dir := t.TempDir()
	for name, want := range map[string]respstore.Record{
		"without issuer": record("a", t0),
		"with issuer":    {Leaf: leaf("b"), Response: bytes.Repeat([]byte{0, 0xff}, 700), LastRefresh: t0, Issuer: []byte("issuer"), NotAfter: t0.Add(time.Hour).Truncate(time.Second)},
		"without times":  {Leaf: leaf("c"), Response: []byte{1}},
		"largest":        {Leaf: leaf("d"), Response: make([]byte, respstore.MaxResponse), Issuer: make([]byte, respstore.MaxIssuer)},
	} {
		t.Run(name, func(t *testing.T) {
			if err := open(t, dir).Put(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			got, err := open(t, dir).Load(t.Context(), want.Leaf)
			if err != nil {
				t.Fatal(err)
			}
			if got.Leaf != want.Leaf || !bytes.Equal(got.Response, want.Response) || !bytes.Equal(got.Issuer, want.Issuer) ||
				!got.LastRefresh.Equal(want.LastRefresh) || !got.NotAfter.Equal(want.NotAfter) || (got.Issuer == nil) != (want.Issuer == nil) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestRecordsAreNamedByTheLeafsHash(t *testing.T) {
	dir := t.TempDir()
	put(t, open(t, dir), record("a", t0))
	l := leaf("a")
	if _, err := os.Stat(filepath.Join(dir, "ocsp", hex.EncodeToString(l[:]))); err != nil {
		t.Error(err)
	}
}

func TestMemoryShowsWhatWasPutAndForgetsOnRequest(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, record("a", t0))
	if r, ok := s.Get(leaf("a")); !ok || string(r.Response) != "response of a" {
		t.Errorf("Get = %+v, %v", r, ok)
	}
	s.Forget(leaf("a"))
	if _, ok := s.Get(leaf("a")); ok {
		t.Error("still there after Forget")
	}
	if _, err := s.Load(t.Context(), leaf("a")); err != nil {
		t.Errorf("storage lost it too: %v", err)
	}
}

func TestLoadLeavesMemoryAloneBecauseNothingIsVerifiedYet(t *testing.T) { // S14
	dir := t.TempDir()
	put(t, open(t, dir), record("a", t0))
	s := open(t, dir)
	r, err := s.Load(t.Context(), leaf("a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Get(leaf("a")); ok {
		t.Error("an unverified record is in memory")
	}
	s.Keep(r)
	if _, ok := s.Get(leaf("a")); !ok {
		t.Error("Keep did not keep it")
	}
}

func TestARecordThatCannotBeStoredIsStillThere(t *testing.T) { // S14
	s := respstore.New(brokenDisk{}, quiet(t))
	err := s.Put(t.Context(), record("a", t0))
	if err == nil || !strings.Contains(err.Error(), "storing staple ocsp/") || !errors.Is(err, errDisk) {
		t.Errorf("err = %v", err)
	}
	if _, ok := s.Get(leaf("a")); !ok {
		t.Error("not in memory")
	}
}

func TestAStorageThatHangsHoldsNobodyForLong(t *testing.T) { // S14
	synctest.Test(t, func(t *testing.T) {
		disk := hungDisk{memoryDisk{}, make(chan struct{})}
		s := respstore.New(disk, quiet(t))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Put(ctx, record("a", t0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		start := time.Now()
		if err := s.Put(t.Context(), record("b", t0)); err == nil || !strings.HasSuffix(err.Error(), "storage has not finished an earlier write") {
			t.Errorf("err = %v", err)
		}
		if time.Since(start) > 0 {
			t.Error("the next one waited too")
		}
		for _, name := range []string{"a", "b"} {
			if _, ok := s.Get(leaf(name)); !ok {
				t.Errorf("%s is not in memory", name)
			}
		}
		close(disk.release)
		synctest.Wait()
		put(t, s, record("b", t0))
	})
}

func TestWithoutStorageRecordsLiveInMemory(t *testing.T) {
	s := respstore.New(nil, quiet(t))
	put(t, s, record("a", t0))
	if _, ok := s.Get(leaf("a")); !ok {
		t.Error("not in memory")
	}
	if _, err := s.Load(t.Context(), leaf("a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load = %v, want fs.ErrNotExist", err)
	}
	if n, err := s.Purge(t.Context(), t0, nobody); n != 0 || err != nil {
		t.Errorf("Purge = %d, %v", n, err)
	}
}

func TestRecordsOutsideTheLimitsAreRefused(t *testing.T) {
	s := open(t, t.TempDir())
	for want, r := range map[string]respstore.Record{
		"a response of 0 octets is outside 1 to 65536":        {},
		"a response of 65537 octets is outside 1 to 65536":    {Response: make([]byte, respstore.MaxResponse+1)},
		"an issuer certificate of 65537 octets is over 65536": {Response: []byte{1}, Issuer: make([]byte, respstore.MaxIssuer+1)},
	} {
		if err := s.Put(t.Context(), r); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
}

func TestWhatIsMissingDamagedOrForeignSaysSo(t *testing.T) { // S14
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, record("a", t0))
	put(t, s, record("other", t0))
	good, swapped := read(t, dir, "a"), read(t, dir, "other")
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"another leaf's record":  {swapped, respstore.ErrCorrupt},
		"truncated by one octet": {good[:len(good)-1], respstore.ErrCorrupt},
		"truncated to its magic": {good[:15], respstore.ErrCorrupt},
		"one octet too many":     {append(slices.Clone(good), 0), respstore.ErrCorrupt},
		"empty":                  {nil, respstore.ErrForeign},
		"bare DER":               {[]byte{0x30, 0x03, 0x0a, 0x01, 0x06}, respstore.ErrForeign},
		"a newer layout":         {bytes.Replace(good, []byte("staple 1"), []byte("staple 2"), 1), respstore.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, "a", c.content)
			if _, err := s.Load(t.Context(), leaf("a")); !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "reading staple ocsp/") {
				t.Errorf("err = %v, want %v", err, c.want)
			}
		})
	}
	for i := range good {
		changed := slices.Clone(good)
		changed[i] ^= 1
		write(t, dir, "a", changed)
		if _, err := s.Load(t.Context(), leaf("a")); err == nil {
			t.Errorf("a flipped bit in octet %d goes unnoticed", i)
		}
	}
	if _, err := s.Load(t.Context(), leaf("missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: err = %v", err)
	}
}

func TestPurgeDeletesWhatIsLongGoneAndNothingElse(t *testing.T) {
	dir, now := t.TempDir(), t0.Add(365*24*time.Hour)
	s := open(t, dir)
	day := 24 * time.Hour
	for name, r := range map[string]respstore.Record{
		"kept":         record("kept", t0),
		"fresh":        record("fresh", now.Add(-29*day)),
		"old":          record("old", now.Add(-31*day)),
		"leaf expired": {Leaf: leaf("leaf expired"), Response: []byte{1}, LastRefresh: now.Add(-2 * day), NotAfter: now.Add(-25 * time.Hour)},
		"just expired": {Leaf: leaf("just expired"), Response: []byte{1}, LastRefresh: now.Add(-2 * day), NotAfter: now.Add(-23 * time.Hour)},
	} {
		r.Leaf = leaf(name)
		if r.NotAfter.IsZero() {
			r.NotAfter = now.Add(day)
		}
		put(t, s, r)
	}
	write(t, dir, "foreign", []byte("somebody else's"))
	write(t, dir, "damaged", []byte("dwaar staple 1\n…"))
	if err := os.WriteFile(filepath.Join(dir, "ocsp", "README"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := s.Purge(t.Context(), now, func(l respstore.Fingerprint) bool { return l == leaf("kept") })
	if err != nil || n != 3 {
		t.Errorf("Purge = %d, %v, want 3", n, err)
	}
	for name, want := range map[string]bool{
		"kept": true, "fresh": true, "just expired": true, "foreign": true, "old": false, "leaf expired": false, "damaged": false,
	} {
		if _, err := os.Stat(path(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ocsp", "README")); err != nil {
		t.Error("a file that is none of ours is gone")
	}
}

func TestPurgeReportsWhatStandsInItsWay(t *testing.T) {
	s := respstore.New(brokenDisk{}, quiet(t))
	if _, err := s.Purge(t.Context(), t0, nobody); err == nil || !strings.Contains(err.Error(), "listing stored staples") {
		t.Errorf("err = %v", err)
	}
	l := leaf("x")
	s = respstore.New(brokenDisk{keys: []string{"ocsp/" + hex.EncodeToString(l[:])}}, quiet(t))
	if _, err := s.Purge(t.Context(), t0, nobody); err == nil || !strings.Contains(err.Error(), "deleting staple ocsp/") {
		t.Errorf("err = %v", err)
	}
	if n, err := open(t, t.TempDir()).Purge(t.Context(), t0, nobody); n != 0 || err != nil {
		t.Errorf("an empty storage: Purge = %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Purge(ctx, t0, nobody); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled purge: err = %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	good := func(r respstore.Record) []byte {
		disk := memoryDisk{}
		_ = respstore.New(disk, slog.New(slog.DiscardHandler)).Put(f.Context(), r)
		for _, content := range disk {
			return content
		}
		return nil
	}
	f.Add(good(record("a", t0)))
	f.Add([]byte("dwaar staple 1\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		// A valid checksum lets the fuzzer reach the layout.
		sum := sha256.Sum256(content)
		for _, c := range [][]byte{content, append(slices.Clone(content), sum[:]...)} {
			l := leaf("a")
			disk := memoryDisk{"ocsp/" + hex.EncodeToString(l[:]): c}
			s := respstore.New(disk, slog.New(slog.DiscardHandler))
			r, err := s.Load(t.Context(), l)
			if err != nil {
				continue
			}
			if err := s.Put(t.Context(), r); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if again, err := s.Load(t.Context(), l); err != nil || !bytes.Equal(again.Response, r.Response) {
				t.Fatalf("read again: %v", err)
			}
		}
	})
}

func TestADiscardedRecordIsGoneFromStorageAndStaysInMemory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, record("a", time.Now()))
	for range 2 { // the second time there is none
		if err := s.Discard(t.Context(), leaf("a")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Load(t.Context(), leaf("a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load = %v", err)
	}
	if _, shown := s.Get(leaf("a")); !shown {
		t.Error("memory has lost it too")
	}
	if err := respstore.New(nil, quiet(t)).Discard(t.Context(), leaf("a")); err != nil {
		t.Errorf("without storage: %v", err)
	}
}
