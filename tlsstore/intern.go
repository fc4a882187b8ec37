package tlsstore

import (
	"slices"
	"sync"
)

// interner lets the chains of one CA share the bytes of its issuers.
type interner struct {
	mu   sync.Mutex
	seen map[string][]byte // guarded by mu; by DER
}

func newInterner() *interner { return &interner{seen: make(map[string][]byte)} }

// chain returns a chain that is equal and shares what has been seen. Leaves are left alone:
// hardly any two are equal.
func (n *interner) chain(chain [][]byte) [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	shared := slices.Clone(chain)
	for i := 1; i < len(shared); i++ {
		shared[i] = n.share(shared[i])
	}
	return shared
}

// learn takes the bytes of a chain that is being served and cannot be changed.
func (n *interner) learn(chain [][]byte) { n.chain(chain) }

func (n *interner) share(der []byte) []byte {
	if same, ok := n.seen[string(der)]; ok {
		return same
	}
	n.seen[string(der)] = der
	return der
}
