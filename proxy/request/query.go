package request

import (
	"iter"
	"net/url"
	"strings"
)

// Query gives the pairs of a query in their order, those left out that cannot
// be read. What is written without escapes costs nothing.
func Query(raw string) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for rest := raw; rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, "&")
			key, value, ok := readPair(pair)
			if ok && pair != "" && !yield(key, value) {
				return
			}
		}
	}
}

// IsQuery tells whether every pair of a query can be read.
func IsQuery(raw string) bool {
	for rest := raw; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if _, _, ok := readPair(pair); !ok {
			return false
		}
	}
	return true
}

// readPair refuses semicolons, as net/url does: some servers take them for &.
func readPair(pair string) (key, value string, ok bool) {
	if strings.Contains(pair, ";") {
		return "", "", false
	}
	key, value, _ = strings.Cut(pair, "=")
	if !strings.ContainsAny(pair, "%+") {
		return key, value, true
	}
	key, keyErr := url.QueryUnescape(key)
	value, valueErr := url.QueryUnescape(value)
	return key, value, keyErr == nil && valueErr == nil
}
