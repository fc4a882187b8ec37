// Package coding chooses between content codings (RFC 9110 §8.4.1), as
// requests ask for them in Accept-Encoding.
package coding

import (
	"net/http"
	"strings"
)

// Choose is the coding of offered that the request with this header likes
// best, the first one of several; "" if it likes none, or likes what is not
// encoded better. Elements of Accept-Encoding that cannot be read count for
// nothing, so that nobody gets a coding that they did not ask for.
func Choose(header http.Header, offered []string) string {
	lines := header["Accept-Encoding"]
	if len(lines) == 0 {
		return ""
	}
	best, most := "", 0
	for _, name := range offered {
		if w := weigh(lines, name); w > most {
			best, most = name, w
		}
	}
	if most < 1000 && named(lines, "identity") > most {
		return ""
	}
	return best
}

// weigh is the weight of a coding, in thousandths, that of * where the coding
// is not named.
func weigh(lines []string, name string) int {
	if w := named(lines, name); w >= 0 {
		return w
	}
	return max(named(lines, "*"), 0)
}

// named is the weight of the first readable element with this name, -1 if
// there is none.
func named(lines []string, name string) int {
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			written, parameters, _ := strings.Cut(element, ";")
			if !is(strings.Trim(written, " \t"), name) {
				continue
			}
			if w := weight(strings.Trim(parameters, " \t")); w >= 0 {
				return w
			}
		}
	}
	return -1
}

// is compares as RFC 9110 §8.4.1 does; x-gzip is an old name of gzip.
func is(written, name string) bool {
	return strings.EqualFold(written, name) || name == "gzip" && strings.EqualFold(written, "x-gzip")
}

// weight reads q=0.5 as 500, nothing as 1000, and is -1 for anything else
// (RFC 9110 §12.4.2). More digits than three are one too many for the
// grammar, but mean what they say.
func weight(parameter string) int {
	if parameter == "" {
		return 1000
	}
	if len(parameter) < 3 || parameter[0]|0x20 != 'q' || parameter[1] != '=' {
		return -1
	}
	whole, digits, _ := strings.Cut(parameter[2:], ".")
	w := 0
	for i := range max(len(digits), 3) {
		d := byte('0')
		if i < len(digits) {
			d = digits[i]
		}
		if d < '0' || d > '9' {
			return -1
		}
		if i < 3 {
			w = w*10 + int(d-'0')
		}
	}
	switch {
	case whole == "0":
		return w
	case whole == "1" && w == 0:
		return 1000
	}
	return -1
}

// Vary tells caches that the response depends on Accept-Encoding.
func Vary(header http.Header) {
	for _, line := range header["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.Trim(field, " \t"); field == "*" || strings.EqualFold(field, "Accept-Encoding") {
				return
			}
		}
	}
	header["Vary"] = append(header["Vary"], "Accept-Encoding")
}
