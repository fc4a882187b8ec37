package tlsstore_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

// noticed is how long a change on disk may take to be served (S6).
const noticed = 2 * time.Second

// watching is a store that serves a.example from two files, and is running.
type watching struct {
	t         *testing.T
	ca        *ca
	cert, key string
	store     *tlsstore.Store
	log       logbook
	changes   atomic.Int32
}

// watch runs test in a bubble with c.pem and c.key in dir, which prepare may arrange first.
func watch(t *testing.T, prepare func(dir string, first issued) (cert, key string), test func(*watching, issued)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &watching{t: t, ca: newCA(t)}
		first := w.ca.leaf("a.example")
		w.cert, w.key = prepare(t.TempDir(), first)
		w.store = newLoggedStore(t, w.log.logger(), tlsstore.Config{}, on(w.load(), "a.example"))
		w.store.OnChange(func() { w.changes.Add(1) })
		defer run(t, w.store)()
		test(w, first)
	})
}

// plain puts a pair into two files of dir.
func plain(t *testing.T) func(dir string, i issued) (cert, key string) {
	return func(dir string, i issued) (cert, key string) {
		cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "c.key")
		put(t, cert, certPEM(i.chain...))
		put(t, key, keyPEM(t, i.key))
		return cert, key
	}
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *watching) load() *tlsstore.Pair {
	w.t.Helper()
	pair, err := tlsstore.LoadPair(w.cert, w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return pair
}

// serves fails the test unless the leaf is served after the time a change may take.
func (w *watching) serves(what string, want issued) {
	w.t.Helper()
	time.Sleep(noticed)
	if leaf, _ := shown(w.t, w.store, "a.example"); !leaf.Equal(want.leaf) {
		w.t.Errorf("%s: another leaf is served", what)
	}
}

func TestChangedFilesAreServedWithinTwoSecondsWithoutTheOldStaple(t *testing.T) { // S5, S6
	watch(t, plain(t), func(w *watching, first issued) {
		w.store.Attach(first.fingerprint(), first.staple("old"))
		time.Sleep(time.Minute)
		if w.changes.Load() != 0 {
			t.Errorf("%d changes without any", w.changes.Load())
		}
		second := w.ca.leaf("a.example")
		put(t, w.cert, certPEM(second.chain...))
		put(t, w.key, keyPEM(t, second.key))
		w.serves("after a change", second)
		if _, staple := shown(t, w.store, "a.example"); staple != nil {
			t.Error("the new leaf carries the old staple")
		}
		if w.changes.Load() != 1 || w.log.count("certificate files have changed") != 1 {
			t.Errorf("%d calls of OnChange, want 1; log:\n%s", w.changes.Load(), w.log.String())
		}
		if r := w.store.Status(); len(r) != 1 || r[0].Fingerprint != second.fingerprint() {
			t.Errorf("status = %+v", r)
		}
	})
}

func TestAHalfWrittenPairKeepsTheOldOneWithOneWarningForEachProblem(t *testing.T) { // S6
	watch(t, plain(t), func(w *watching, first issued) {
		w.store.Attach(first.fingerprint(), first.staple("kept"))
		second := w.ca.leaf("a.example")
		chain := certPEM(second.chain...)
		for _, step := range []struct {
			what, problem string
			change        func()
		}{
			{"certificate first", "no certificate in it belongs to the key", func() { put(t, w.cert, chain) }},
			{"certificate cut off", "damaged or cut off", func() { put(t, w.cert, chain[:len(chain)/2]) }},
			{"certificate empty", "it is empty", func() { put(t, w.cert, nil) }},
			{"certificate gone", "it does not exist", func() { os.Remove(w.cert) }},
		} {
			step.change()
			w.serves(step.what, first)
			time.Sleep(10 * time.Second)
			if n := w.log.count(step.problem); n != 1 {
				t.Errorf("%s: %d warnings, want 1; log:\n%s", step.what, n, w.log.String())
			}
		}
		if _, staple := shown(t, w.store, "a.example"); staple == nil {
			t.Error("the old leaf has lost its staple")
		}
		put(t, w.cert, chain)
		put(t, w.key, keyPEM(t, second.key))
		w.serves("when it is whole", second)
		put(t, w.cert, nil)
		w.serves("after the next problem", second)
		if n := w.log.count("it is empty"); n != 2 {
			t.Errorf("%d warnings of a problem that came again, want 2", n)
		}
	})
}

func TestAChainThatIsStillGrowingIsLeftAlone(t *testing.T) { // S6
	watch(t, plain(t), func(w *watching, first issued) {
		second := w.ca.leafOf(first.key, "a.example") // the same key: the leaf alone is a valid pair
		file, err := os.Create(w.cert)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		write := func(data []byte) {
			if _, err := file.Write(data); err != nil {
				t.Fatal(err)
			}
		}
		// A poll falls after the first write, and the end of its wait after the second.
		time.Sleep(900 * time.Millisecond)
		for _, part := range []*x509.Certificate{second.leaf, w.ca.root, w.ca.inter} {
			write(certPEM(part))
			time.Sleep(200 * time.Millisecond)
		}
		w.serves("when it is whole", second)
		if n := w.changes.Load(); n != 1 {
			t.Errorf("%d leaves were taken in, want 1", n)
		}
		if cert := w.store.Lookup(":443", "a.example"); len(cert.Certificate) != 3 {
			t.Errorf("%d certificates on the wire, want 3", len(cert.Certificate))
		}
	})
}

func TestACompletedChainIsServedWithTheStapleItsLeafHas(t *testing.T) {
	watch(t, plain(t), func(w *watching, first issued) {
		put(t, w.cert, certPEM(first.leaf))
		time.Sleep(noticed)
		w.store.Attach(first.fingerprint(), first.staple("kept"))
		put(t, w.cert, certPEM(first.chain...))
		w.serves("completed", first)
		cert := w.store.Lookup(":443", "a.example")
		if len(cert.Certificate) != 2 || cert.OCSPStaple == nil || w.changes.Load() != 2 {
			t.Errorf("%d certificates, staple %q, %d changes", len(cert.Certificate), cert.OCSPStaple, w.changes.Load())
		}
	})
}

func TestSwappedLinksAreFollowed(t *testing.T) { // S6
	link := func(target, at string) {
		t.Helper()
		if err := os.Symlink(target, at+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(at+".new", at); err != nil {
			t.Fatal(err)
		}
	}
	version := func(dir, name string, i issued) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		plain(t)(filepath.Join(dir, name), i)
	}
	t.Run("of the files", func(t *testing.T) {
		var base string
		prepare := func(dir string, i issued) (cert, key string) {
			base = dir
			version(dir, "1", i)
			cert, key = filepath.Join(dir, "live.pem"), filepath.Join(dir, "live.key")
			link("1/c.pem", cert)
			link("1/c.key", key)
			return cert, key
		}
		watch(t, prepare, func(w *watching, first issued) {
			second := w.ca.leaf("a.example")
			version(base, "2", second)
			link("2/c.pem", w.cert)
			link("2/c.key", w.key)
			w.serves("swapped", second)
		})
	})
	t.Run("of a parent directory", func(t *testing.T) { // as Kubernetes does
		var base string
		prepare := func(dir string, i issued) (cert, key string) {
			base = dir
			version(dir, "..2026_1", i)
			link("..2026_1", filepath.Join(dir, "..data"))
			cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
			link("..data/c.pem", cert)
			link("..data/c.key", key)
			return cert, key
		}
		watch(t, prepare, func(w *watching, first issued) {
			second := w.ca.leaf("a.example")
			version(base, "..2026_2", second)
			// Same size and time as the old ones: only the inode tells.
			for _, name := range []string{"c.pem", "c.key"} {
				info, err := os.Stat(filepath.Join(base, "..data", name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(filepath.Join(base, "..2026_2", name), info.ModTime(), info.ModTime()); err != nil {
					t.Fatal(err)
				}
			}
			link("..2026_2", filepath.Join(base, "..data"))
			if err := os.RemoveAll(filepath.Join(base, "..2026_1")); err != nil {
				t.Fatal(err)
			}
			w.serves("swapped", second)
		})
	})
}

func TestTouchedFilesChangeNothing(t *testing.T) {
	watch(t, plain(t), func(w *watching, first issued) {
		w.store.Attach(first.fingerprint(), first.staple("kept"))
		if err := os.Chtimes(w.cert, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		w.serves("touched", first)
		if _, staple := shown(t, w.store, "a.example"); staple == nil || w.changes.Load() != 0 {
			t.Errorf("staple %q, %d changes", staple, w.changes.Load())
		}
	})
}

func TestAChangeIsTakenInEverywhereItsFilesAreServed(t *testing.T) {
	watch(t, plain(t), func(w *watching, first issued) {
		elsewhere := on(w.load(), "b.example")
		elsewhere.Listener = ":8443"
		apply(t, w.store, on(w.load(), "a.example"), elsewhere, on(w.ca.leaf("c.example").pair(t), "c.example"))
		second := w.ca.leaf("a.example")
		plain(t)(filepath.Dir(w.cert), second)
		w.serves("changed", second)
		if cert := w.store.Lookup(":8443", "b.example"); cert == nil || fingerprint(cert.Certificate[0]) != second.fingerprint() {
			t.Error("the other site still has the old leaf")
		}
		if w.store.Lookup(":443", "c.example") == nil || w.changes.Load() != 1 {
			t.Errorf("%d changes, want 1", w.changes.Load())
		}
		apply(t, w.store, on(w.load(), "a.example")) // a reload afterwards finds nothing new
		time.Sleep(time.Minute)
		if w.changes.Load() != 1 {
			t.Errorf("%d changes after a reload, want 1", w.changes.Load())
		}
	})
}

// A file written in the same clock tick as the one that was read may have the same stamp, so
// a file that was young when it was read is read once more.
func TestAFileThatWasYoungWhenItWasReadIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCA(t)
		key := newKey(t, "P-256")
		first, second := c.leafOf(key, "a.example"), c.leafOf(key, "a.example")
		text := certPEM(second.chain...)
		for len(text) < len(certPEM(first.chain...)) {
			text = append(text, '\n')
		}
		before := append(certPEM(first.chain...), make([]byte, len(text)-len(certPEM(first.chain...)))...)
		cert, keyFile := write(t, "c.pem", before), write(t, "c.key", keyPEM(t, key))
		young := time.Now().Add(-time.Millisecond)
		if err := os.Chtimes(cert, young, young); err != nil {
			t.Fatal(err)
		}
		pair, err := tlsstore.LoadPair(cert, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		put(t, cert, text) // in place: the inode stays
		if err := os.Chtimes(cert, young, young); err != nil {
			t.Fatal(err)
		}
		s := newStore(t, tlsstore.Config{}, on(pair, "a.example"))
		defer run(t, s)()
		time.Sleep(noticed)
		if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(second.leaf) {
			t.Error("the second write was missed")
		}
	})
}
