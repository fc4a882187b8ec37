package crl

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Errors of a stored list that cannot be used.
var (
	// ErrForeign: the content was not written by this package, or by a newer one.
	ErrForeign = errors.New("not a stored CRL")

	// ErrCorrupt: the content is damaged, truncated or that of another URL.
	ErrCorrupt = errors.New("damaged stored CRL")
)

// magic begins every record. Another layout gets another number.
const magic = "dwaar crl 1\n"

// record is a list as it is stored: the magic, a line of JSON, the list as it
// was received, and the SHA-256 of all of that.
type record struct {
	header
	body []byte
}

type header struct {
	URL       string    `json:"url"`
	Refreshed time.Time `json:"refreshed"`
	ETag      string    `json:"etag,omitempty"`
	Modified  string    `json:"modified,omitempty"`
}

func (r record) marshal() ([]byte, error) {
	head, err := json.Marshal(r.header)
	if err != nil {
		return nil, err
	}
	content := make([]byte, 0, len(magic)+len(head)+1+len(r.body)+sha256.Size)
	content = append(content, magic...)
	content = append(content, head...)
	content = append(content, '\n')
	content = append(content, r.body...)
	sum := sha256.Sum256(content)
	return append(content, sum[:]...), nil
}

// unmarshal decodes what marshal wrote, without a copy of the list. Its errors
// are ErrForeign and ErrCorrupt.
func unmarshal(content []byte) (record, error) {
	if !bytes.HasPrefix(content, []byte(magic)) {
		return record{}, ErrForeign
	}
	end := len(content) - sha256.Size
	if end < len(magic) || sha256.Sum256(content[:end]) != [sha256.Size]byte(content[end:]) {
		return record{}, fmt.Errorf("%w: its checksum does not match", ErrCorrupt)
	}
	head, body, found := bytes.Cut(content[len(magic):end], []byte("\n"))
	var r record
	if !found || json.Unmarshal(head, &r.header) != nil {
		return record{}, fmt.Errorf("%w: its layout is broken", ErrCorrupt)
	}
	r.body = body
	return r, nil
}
