package request

import (
	"crypto/rand"
	"encoding/hex"
)

// UUID is a random name for the request (RFC 9562, version 4), made when it is
// first asked for.
func (s *State) UUID() string {
	if s.id == "" {
		s.id = newUUID()
	}
	return s.id
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	text := make([]byte, 36)
	hex.Encode(text, b[:4])
	for i, from := range [...]int{4, 6, 8, 10} {
		to := 8 + 5*i
		text[to] = '-'
		hex.Encode(text[to+1:], b[from:min(from+2, 10)])
	}
	hex.Encode(text[24:], b[10:])
	return string(text)
}
