package upstream

// The hashes decide which upstream a client gets, also after a restart and on
// another machine: they are fixed for ever. FNV-1a is the one for strings, and
// a finalizer spreads it over all bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hashString(s string) uint64 { return hashMore(fnvOffset, s) }

// hashMore goes on hashing with s.
func hashMore(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// score is the weight of a key at a server. The server with the highest one
// has the key, so that one that leaves takes only its own keys with it
// (rendezvous hashing).
func score(key, server uint64) uint64 {
	h := key ^ server*0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
