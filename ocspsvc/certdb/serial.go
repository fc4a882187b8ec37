package certdb

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// MaxSerial is how many octets a serial number may have; RFC 5280 §4.1.2.2
// allows 20.
const MaxSerial = 64

// ParseSerial reads a serial number as it is shown everywhere: in hex, also with
// colons or a 0x in front. It is not negative.
func ParseSerial(text string) (*big.Int, error) {
	digits := strings.ReplaceAll(text, ":", "")
	if rest, ok := strings.CutPrefix(strings.ToLower(digits), "0x"); ok {
		digits = rest
	}
	switch {
	case digits == "":
		return nil, errors.New("the serial number is empty")
	case len(strings.TrimLeft(digits, "0")) > 2*MaxSerial:
		return nil, fmt.Errorf("a serial number has at most %d octets", MaxSerial)
	case strings.Trim(digits, "0123456789abcdefABCDEF") != "":
		return nil, fmt.Errorf("%q is not a serial number in hex", text)
	}
	serial, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		return nil, fmt.Errorf("%q is not a serial number in hex", text)
	}
	return serial, nil
}

// FormatSerial is a serial number in lower-case hex, two digits for each octet.
func FormatSerial(serial *big.Int) string {
	if serial.Sign() < 0 {
		return "-" + FormatSerial(new(big.Int).Neg(serial))
	}
	return fmt.Sprintf("%x", key(serial))
}

// key is a serial number in a table: its octets, without leading zeros, and one
// zero for zero. Of a negative one it is nil, which no table has.
func key(serial *big.Int) []byte {
	switch serial.Sign() {
	case -1:
		return nil
	case 0:
		return []byte{0}
	}
	return serial.Bytes()
}

func checkSerial(serial *big.Int) error {
	if k := key(serial); k == nil || len(k) > MaxSerial {
		return fmt.Errorf("the serial number %s is negative or has more than %d octets", FormatSerial(serial), MaxSerial)
	}
	return nil
}
