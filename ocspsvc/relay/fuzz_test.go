package relay_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"dwaar/ocspsvc/relay"
)

// What can be read is what would be written.
func FuzzRecord(f *testing.F) {
	d := newDesk(f)
	d.ask(d.ca.Leaf(f))
	d.close() // writes what waits
	for _, key := range d.disk.keys() {
		f.Add(d.disk.files[key])
	}
	for _, body := range []string{"", "dwaar relay 1\n", "dwaar relay 1\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"} {
		sum := sha256.Sum256([]byte(body))
		f.Add(append([]byte(body), sum[:]...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again, err := relay.ReadRecord(data)
		if err == nil && !bytes.Equal(again, data) {
			t.Errorf("read %x, would write %x", data, again)
		}
	})
}
