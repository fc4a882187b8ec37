package respstore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Errors of a stored record that cannot be used.
var (
	// ErrForeign: the content was not written by this package, or by a newer one.
	ErrForeign = errors.New("not a stored staple")

	// ErrCorrupt: the content is damaged, truncated or that of another leaf.
	ErrCorrupt = errors.New("damaged stored staple")
)

// magic begins every record. Another layout gets another number.
const magic = "dwaar staple 1\n"

// A record is the magic, leaf (32 octets), lastRefresh (8, nanoseconds since
// 1970), notAfter (8, seconds), response and issuer (each 3 octets of length
// and the content) and the SHA-256 of all of that.

// marshal encodes r, or says which limit it exceeds.
func (r Record) marshal() ([]byte, error) {
	if n := len(r.Response); n == 0 || n > MaxResponse {
		return nil, fmt.Errorf("a response of %d octets is outside 1 to %d", n, MaxResponse)
	}
	if n := len(r.Issuer); n > MaxIssuer {
		return nil, fmt.Errorf("an issuer certificate of %d octets is over %d", n, MaxIssuer)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(magic)+len(r.Response)+len(r.Issuer)+128))
	b.AddBytes([]byte(magic))
	b.AddBytes(r.Leaf[:])
	b.AddUint64(nanoseconds(r.LastRefresh))
	b.AddUint64(seconds(r.NotAfter))
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.Response) })
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.Issuer) })
	content, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	return append(content, sum[:]...), nil
}

// unmarshal decodes what marshal wrote. Its errors are ErrForeign and ErrCorrupt.
func unmarshal(data []byte) (Record, error) {
	if !bytes.HasPrefix(data, []byte(magic)) {
		return Record{}, ErrForeign
	}
	body := len(data) - sha256.Size
	if body < len(magic) || sha256.Sum256(data[:body]) != [sha256.Size]byte(data[body:]) {
		return Record{}, fmt.Errorf("%w: its checksum does not match", ErrCorrupt)
	}
	var r Record
	var refreshed, notAfter uint64
	var response, issuer cryptobyte.String
	input := cryptobyte.String(data[len(magic):body])
	if !input.CopyBytes(r.Leaf[:]) || !input.ReadUint64(&refreshed) || !input.ReadUint64(&notAfter) ||
		!input.ReadUint24LengthPrefixed(&response) || !input.ReadUint24LengthPrefixed(&issuer) || !input.Empty() ||
		len(response) == 0 || len(response) > MaxResponse || len(issuer) > MaxIssuer {
		return Record{}, fmt.Errorf("%w: its layout is broken", ErrCorrupt)
	}
	r.LastRefresh, r.NotAfter = fromNanoseconds(refreshed), fromSeconds(notAfter)
	r.Response, r.Issuer = bytes.Clone(response), bytes.Clone(issuer)
	if len(issuer) == 0 {
		r.Issuer = nil
	}
	return r, nil
}

// The zero time is written as 0, so that it comes back as zero.

func nanoseconds(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano())
}

func fromNanoseconds(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(n)).UTC()
}

func seconds(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Unix())
}

func fromSeconds(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}
