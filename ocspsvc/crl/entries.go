package crl

import (
	"bytes"
	"iter"
	"math/big"
	"slices"
	"sort"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
)

// entries is a set of revoked serial numbers in as few bytes as will do: one
// sorted table per length of serial, each record its octets, when and why.
// 16 octets of serial take 22 bytes, and no pointer for the garbage collector.
type entries struct{ tables []table }

// table holds records of one length, sorted.
type table struct {
	serial  int // octets
	records []byte
}

// A record is the serial's octets as in DER, the time in seconds since year 0
// (5 octets, big-endian), and the reason (1).
const (
	timeSize  = 5
	extraSize = timeSize + 1
)

var yearZero = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

func (t table) stride() int { return t.serial + extraSize }

func (t table) record(i int) []byte { return t.records[i*t.stride() : (i+1)*t.stride()] }

func (t *table) add(serial []byte, e Entry) {
	seconds := uint64(e.RevokedAt.Unix() - yearZero)
	t.records = append(t.records, serial...)
	t.records = append(t.records, byte(seconds>>32), byte(seconds>>24), byte(seconds>>16), byte(seconds>>8), byte(seconds), byte(e.Reason))
}

func entryOf(extra []byte) Entry {
	var seconds int64
	for _, b := range extra[:timeSize] {
		seconds = seconds<<8 | int64(b)
	}
	return Entry{RevokedAt: time.Unix(seconds+yearZero, 0).UTC(), Reason: ocspsvc.RevocationReason(extra[timeSize])}
}

// find returns the entry of a serial; of several the one with the first date.
func (e entries) find(serial []byte) (Entry, bool) {
	i := slices.IndexFunc(e.tables, func(t table) bool { return t.serial == len(serial) })
	if i < 0 {
		return Entry{}, false
	}
	t := e.tables[i]
	at := sort.Search(t.Len(), func(i int) bool { return bytes.Compare(t.record(i)[:t.serial], serial) >= 0 })
	if at == t.Len() || !bytes.Equal(t.record(at)[:t.serial], serial) {
		return Entry{}, false
	}
	return entryOf(t.record(at)[t.serial:]), true
}

func (e entries) count() (n int) {
	for _, t := range e.tables {
		n += t.Len()
	}
	return n
}

// Len, Less and Swap implement sort.Interface.
func (t table) Len() int           { return len(t.records) / t.stride() }
func (t table) Less(i, j int) bool { return bytes.Compare(t.record(i), t.record(j)) < 0 }
func (t table) Swap(i, j int) {
	a, b := t.record(i), t.record(j)
	for k := range a {
		a[k], b[k] = b[k], a[k]
	}
}

// octets is a serial number as the contents of a DER INTEGER.
func octets(serial *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(serial)
	der, contents := cryptobyte.String(b.BytesOrPanic()), cryptobyte.String(nil)
	der.ReadASN1(&contents, cbasn1.INTEGER)
	return contents
}

// after yields the entries that come after a serial in the order of the tables;
// all if it is nil. Of several for one serial it is the one that find returns.
func (e entries) after(serial []byte) iter.Seq2[*big.Int, Entry] {
	return func(yield func(*big.Int, Entry) bool) {
		for _, t := range e.tables {
			from := 0
			switch {
			case len(serial) > t.serial:
				continue
			case len(serial) == t.serial:
				from = sort.Search(t.Len(), func(i int) bool { return bytes.Compare(t.record(i)[:t.serial], serial) > 0 })
			}
			for i := from; i < t.Len(); i++ {
				contents := t.record(i)[:t.serial]
				if i > from && bytes.Equal(contents, t.record(i - 1)[:t.serial]) {
					continue
				}
				if !yield(number(contents), entryOf(t.record(i)[t.serial:])) {
					return
				}
			}
		}
	}
}

// number is what octets takes apart.
func number(contents []byte) *big.Int {
	n := new(big.Int).SetBytes(contents)
	if contents[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(contents))))
	}
	return n
}
