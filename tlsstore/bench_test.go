package tlsstore_test

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"dwaar/tlsstore"
)

// many returns n bindings, each with a leaf, a chain slice and a name of its own. The leaves
// are told apart by a patched serial number: nobody verifies them here.
func many(b *testing.B, n int) []tlsstore.Binding {
	b.Helper()
	i := newCA(b).leaf("bench.example")
	pair := i.pair(b)
	bindings := make([]tlsstore.Binding, n)
	for k := range bindings {
		p := *pair
		leaf, inter := append([]byte(nil), i.leaf.Raw...), append([]byte(nil), i.chain[1].Raw...)
		copy(leaf[len(leaf)-8:], fmt.Sprintf("%08d", k))
		p.Certificate.Certificate, p.Fingerprint = [][]byte{leaf, inter}, fingerprint(leaf)
		bindings[k] = on(&p, fmt.Sprintf("site%d.bench.example", k))
	}
	return bindings
}

func stapled(b *testing.B, n int) *tlsstore.Store {
	b.Helper()
	s, err := tlsstore.New(tlsstore.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	apply(b, s, many(b, n)...)
	staple := newCA(b).leaf("x").staple("")
	for r := range s.Catalog() {
		s.Attach(r.Fingerprint, staple)
	}
	return s
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := stapled(b, n)
			names := make([]string, 1024)
			for i := range names {
				names[i] = fmt.Sprintf("site%d.bench.example", i*97%n)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if cert := s.Lookup(":443", names[i%len(names)]); cert == nil || cert.OCSPStaple == nil {
					b.Fatal("no staple")
				}
				i++
			}
		})
	}
}

// onDemandStore has n certificates that were got on demand, with staples.
func onDemandStore(b *testing.B, n int) (*tlsstore.Store, []tlsstore.Binding) {
	b.Helper()
	s := newStore(b, tlsstore.Config{}, demanding(""))
	bindings := many(b, n)
	for _, binding := range bindings {
		binding.Pair.Names = binding.Names
		if err := s.Put(binding.Names[0], binding.Pair); err != nil {
			b.Fatal(err)
		}
	}
	staple := newCA(b).leaf("x").staple("")
	for r := range s.Catalog() {
		s.Attach(r.Fingerprint, staple)
	}
	return s, bindings
}

func BenchmarkLookupOnDemand(b *testing.B) {
	s, _ := onDemandStore(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if cert := s.Lookup(":443", "site42.bench.example"); cert == nil || cert.OCSPStaple == nil {
			b.Fatal("no staple")
		}
	}
}

// BenchmarkPut is what one more certificate costs where there are 10,000.
func BenchmarkPut(b *testing.B) {
	s, bindings := onDemandStore(b, 10_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		binding := bindings[i%len(bindings)]
		if err := s.Put(binding.Names[0], binding.Pair); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// What the store adds to a handshake: the per-connection tls.Config is the price of tickets
// that belong to a leaf.
func BenchmarkChoose(b *testing.B) {
	s := stapled(b, 10_000)
	config := s.TLSConfig(":443", nil)
	hello := &tls.ClientHelloInfo{ServerName: "site42.bench.example", Extensions: []uint16{5}}
	b.ReportAllocs()
	for b.Loop() {
		c, err := config.GetConfigForClient(hello)
		if err != nil {
			b.Fatal(err)
		}
		if cert, err := c.GetCertificate(hello); err != nil || cert.OCSPStaple == nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHandshake(b *testing.B) {
	s := stapled(b, 10)
	config := s.TLSConfig(":443", nil)
	b.ReportAllocs()
	for b.Loop() {
		near, far := net.Pipe()
		go serve(tls.Server(far, config))
		conn := tls.Client(near, &tls.Config{ServerName: "site1.bench.example", InsecureSkipVerify: true})
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			b.Fatal(err)
		}
		near.Close()
	}
}

func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bindings := many(b, n)
			s := newStore(b, tlsstore.Config{}, bindings...)
			for b.Loop() {
				apply(b, s, bindings...)
			}
		})
	}
}

// BenchmarkEntry reports what a certificate takes in memory once the pairs it was made from
// are gone: all of it, and without the leaf's own bytes and key.
func BenchmarkEntry(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		before := heap()
		s := func() *tlsstore.Store {
			s, err := tlsstore.New(tlsstore.Config{}, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			apply(b, s, many(b, n)...)
			return s
		}()
		b.ReportMetric(float64(heap()-before)/n, "B/entry")
		leaf := 0
		for r := range s.Catalog() {
			leaf += cap(r.Chain[0])
		}
		b.ReportMetric(float64(leaf)/n, "B/leaf")
		runtime.KeepAlive(s)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// written puts n pairs into files; issuing takes longer than loading, so it is done once.
func written(b *testing.B, n int) []tlsstore.Files {
	b.Helper()
	c, key := newCA(b), newKey(b, "P-256")
	dir, keyText := b.TempDir(), keyPEM(b, key)
	files := make([]tlsstore.Files, n)
	for i := range files {
		leaf := c.leafOf(key, fmt.Sprintf("site%d.bench.example", i))
		files[i] = tlsstore.Files{Cert: filepath.Join(dir, fmt.Sprint(i, ".pem")), Key: filepath.Join(dir, fmt.Sprint(i, ".key"))}
		for path, text := range map[string][]byte{files[i].Cert: certPEM(leaf.chain...), files[i].Key: keyText} {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	return files
}

func BenchmarkLoadPairs(b *testing.B) {
	files := written(b, 10_000)
	for b.Loop() {
		for _, err := range second(tlsstore.LoadPairs(files)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// BenchmarkPoll is what looking at 10,000 pairs of files costs each second.
func BenchmarkPoll(b *testing.B) {
	pairs, _ := tlsstore.LoadPairs(written(b, 10_000))
	s := newStore(b, tlsstore.Config{})
	var bindings []tlsstore.Binding
	for i, pair := range pairs {
		bindings = append(bindings, on(pair, fmt.Sprintf("site%d.bench.example", i)))
	}
	apply(b, s, bindings...)
	tlsstore.Poll(s, b.Context()) // files this young are read once more
	b.ReportAllocs()
	for b.Loop() {
		tlsstore.Poll(s, b.Context())
	}
}
