package relay

import (
	"crypto/sha256"
	"time"

	"dwaar/ocspsvc"
)

// StoredRecord is what storage has of a response, and where.
func StoredRecord(id ocspsvc.CertID, der []byte, refreshed, until time.Time) (name string, content []byte) {
	a := &answer{response: &ocspsvc.Response{Raw: der}, refreshed: refreshed, until: until}
	return keyOf(&id).name(), record{key: keyOf(&id), id: id.Raw, answer: a}.marshal()
}

// ReadRecord reads what storage has, and writes it again.
func ReadRecord(data []byte) (again []byte, err error) {
	var k key
	if len(data) > len(magic)+header+sha256.Size {
		n := int(data[len(magic)+16])<<8 | int(data[len(magic)+17])
		if rest := data[len(magic)+header : len(data)-sha256.Size]; n <= len(rest) {
			k = sha256.Sum256(rest[:n])
		}
	}
	r, err := unmarshalRecord(k, data)
	if err != nil {
		return nil, err
	}
	return r.marshal(), nil
}
