package certdb_test

import (
	"math/big"
	"strings"
	"testing"

	"dwaar/ocspsvc/certdb"
)

func TestSerialsAreReadAsTheyAreShown(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "00": 0, "a": 10, "0A": 10, "0x0a": 10, "0XA": 10, "0a:0B": 0xa0b, "000000000000000000000000000000000000000000000001": 1,
	} {
		got, err := certdb.ParseSerial(text)
		if err != nil || got.Cmp(big.NewInt(want)) != 0 {
			t.Errorf("%s is %v, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0x", ":", "-1", "+1", "1_0", "g", " 1", "0x0x1", strings.Repeat("f", 2*certdb.MaxSerial+1)} {
		if got, err := certdb.ParseSerial(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseSerial(f *testing.F) {
	for _, text := range []string{"0", "0x0A", "0a:0b", "-1", "0x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		serial, err := certdb.ParseSerial(text)
		if err != nil {
			return
		}
		again, err := certdb.ParseSerial(certdb.FormatSerial(serial))
		if err != nil || again.Cmp(serial) != 0 || serial.Sign() < 0 || len(serial.Bytes()) > certdb.MaxSerial {
			t.Errorf("%q is %v, and that %v, %v", text, serial, again, err)
		}
	})
}
