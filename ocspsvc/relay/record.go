package relay

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"dwaar/ocspsvc"
)

// Errors of a stored answer that cannot be used.
var (
	errForeign = errors.New("not a stored answer")
	errCorrupt = errors.New("damaged stored answer")
)

// record is an answer as storage has it.
type record struct {
	key    key
	id     []byte  // the CertID
	answer *answer // of one that was read, only response.Raw, refreshed and until are set
}

// folder holds every record.
const folder = "relay"

func (k key) String() string { return hex.EncodeToString(k[:]) }

func (k key) name() string { return folder + "/" + k.String() }

// keyNamed is the inverse of name.
func keyNamed(name string) (k key, ok bool) {
	text := strings.TrimPrefix(strings.TrimPrefix(name, folder), "/")
	if len(text) != hex.EncodedLen(len(k)) || strings.ToLower(text) != text {
		return k, false
	}
	_, err := hex.Decode(k[:], []byte(text))
	return k, err == nil
}

// magic begins every record. Another layout gets another number.
const magic = "dwaar relay 1\n"

// A record is the magic, when it was refreshed (8 octets, nanoseconds since 1970)
// and when it ends (8, seconds), the CertID's length (2), the CertID, the
// response, and the SHA-256 of all of that.
const header = 8 + 8 + 2

func (r record) marshal() []byte {
	content := make([]byte, 0, len(magic)+header+len(r.id)+len(r.answer.response.Raw)+sha256.Size)
	content = append(content, magic...)
	content = binary.BigEndian.AppendUint64(content, uint64(r.answer.refreshed.UnixNano()))
	content = binary.BigEndian.AppendUint64(content, uint64(r.answer.until.Unix()))
	content = binary.BigEndian.AppendUint16(content, uint16(len(r.id)))
	content = append(content, r.id...)
	content = append(content, r.answer.response.Raw...)
	sum := sha256.Sum256(content)
	return append(content, sum[:]...)
}

// unmarshalRecord decodes what marshal wrote, whose key is known. It believes
// nothing of it.
func unmarshalRecord(k key, data []byte) (record, error) {
	if !bytes.HasPrefix(data, []byte(magic)) {
		return record{}, errForeign
	}
	body := len(data) - sha256.Size
	if body < len(magic)+header || sha256.Sum256(data[:body]) != [sha256.Size]byte(data[body:]) {
		return record{}, fmt.Errorf("%w: its checksum does not match", errCorrupt)
	}
	input := data[len(magic):body]
	n, rest := int(binary.BigEndian.Uint16(input[16:])), input[header:]
	if n > len(rest) || len(rest)-n > ocspsvc.MaxResponseSize {
		return record{}, fmt.Errorf("%w: its layout is broken", errCorrupt)
	}
	r := record{key: k, id: rest[:n], answer: &answer{
		response:  &ocspsvc.Response{Raw: rest[n:]},
		refreshed: time.Unix(0, int64(binary.BigEndian.Uint64(input))),
		until:     time.Unix(int64(binary.BigEndian.Uint64(input[8:])), 0),
	}}
	if sha256.Sum256(r.id) != k {
		return record{}, fmt.Errorf("%w: it is about another certificate", errCorrupt)
	}
	return r, nil
}
