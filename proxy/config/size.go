package config

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"dwaar/proxy/dwaarfile"
)

// units are what a size may be written in: powers of 1000 and of 1024.
var units = map[string]float64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
}

// size is an argument that is a number of bytes from least to most.
func (l line) size(tok dwaarfile.Token, least, most int64) int64 {
	n, err := parseSize(tok.Text)
	switch {
	case err != nil:
		l.problem(tok, "%v", err)
	case n < least || n > most:
		l.problem(tok, "%q is not from %s to %s", tok.Text, sizeText(least), sizeText(most))
	default:
		return n
	}
	return least
}

// parseSize reads 512, 16KiB, 1.5MB, 10M: 1 KB is 1000 bytes, 1 KiB is 1024.
// Case does not count.
func parseSize(text string) (int64, error) {
	refused := errors.New(strconv.Quote(text) + " is no size like 512, 64KiB or 10MB")
	digits := strings.TrimRight(text, "bBkKmMgGtTiI")
	unit, known := units[strings.ToLower(text[len(digits):])]
	number, err := strconv.ParseFloat(digits, 64)
	if !known || err != nil || strings.Trim(digits, "0123456789.") != "" || number*unit > math.MaxInt64/2 {
		return 0, refused
	}
	return int64(number * unit), nil
}

// sizeText writes a size as people do.
func sizeText(n int64) string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if whole := int64(units[strings.ToLower(unit)]); n >= whole && n%whole == 0 {
			return strconv.FormatInt(n/whole, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}
