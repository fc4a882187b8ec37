package tlsstore

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Files names a pair's files.
type Files struct{ Cert, Key string }

// LoadPairs is LoadPair for many, on all cores. Both results are in the order of the files,
// and for each of them one is nil. Files named twice are read once and give the same Pair;
// certificates that several chains have in common are in memory once.
func LoadPairs(names []Files) ([]*Pair, []error) {
	pairs, errs := make([]*Pair, len(names)), make([]error, len(names))
	first := make(map[Files]int, len(names))
	var todo []int
	for i, name := range names {
		if _, twice := first[name]; !twice {
			first[name] = i
			todo = append(todo, i)
		}
	}
	share := newInterner()
	parallel(len(todo), func(n int) {
		i := todo[n]
		if pairs[i], errs[i] = LoadPair(names[i].Cert, names[i].Key); errs[i] == nil {
			certificate := &pairs[i].Certificate
			certificate.Certificate = share.chain(certificate.Certificate)
		}
	})
	for i, name := range names {
		pairs[i], errs[i] = pairs[first[name]], errs[first[name]]
	}
	return pairs, errs
}

// parallel calls do for 0 … n-1 on all cores and waits.
func parallel(n int, do func(int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}
