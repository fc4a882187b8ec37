package respstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
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
// 1970), notAfter (8, seconds), the response's length (4), the response, the
// issuer up to the end, and the SHA-256 of all of that.
const (
	header = 32 + 8 + 8 + 4
	fixed  = header + sha256.Size
)

var errLayout = fmt.Errorf("%w: its layout is broken", ErrCorrupt)

// marshal encodes r, or says which limit it exceeds.
func (r Record) marshal() ([]byte, error) {
	if n := len(r.Response); n == 0 || n > MaxResponse {
		return nil, fmt.Errorf("a response of %d octets is outside 1 to %d", n, MaxResponse)
	}
	if n := len(r.Issuer); n > MaxIssuer {
		return nil, fmt.Errorf("an issuer certificate of %d octets is over %d", n, MaxIssuer)
	}
	content := make([]byte, 0, len(magic)+fixed+len(r.Response)+len(r.Issuer))
	content = append(content, magic...)
	content = append(content, r.Leaf[:]...)
	content = binary.BigEndian.AppendUint64(content, nanoseconds(r.LastRefresh))
	content = binary.BigEndian.AppendUint64(content, seconds(r.NotAfter))
	content = binary.BigEndian.AppendUint32(content, uint32(len(r.Response)))
	content = append(content, r.Response...)
	content = append(content, r.Issuer...)
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
	input := data[len(magic):body]
	if len(input) < header {
		return Record{}, errLayout
	}
	r := Record{
		Leaf:        Fingerprint(input),
		LastRefresh: fromNanoseconds(binary.BigEndian.Uint64(input[32:])),
		NotAfter:    fromSeconds(binary.BigEndian.Uint64(input[40:])),
	}
	length, rest := int64(binary.BigEndian.Uint32(input[48:])), input[header:]
	if length == 0 || length > MaxResponse || length > int64(len(rest)) || int64(len(rest))-length > MaxIssuer {
		return Record{}, errLayout
	}
	r.Response = bytes.Clone(rest[:length])
	if issuer := rest[length:]; len(issuer) > 0 {
		r.Issuer = bytes.Clone(issuer)
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
