package http1

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// framing is how the body of a response is delimited (RFC 9112 §6.3).
type framing struct {
	length  int64 // -1: not known before the end
	chunked bool
	// last says that the connection ends with this response.
	last    bool
	trailer http.Header // announced, without values
}

// none reports whether there is no body.
func (f framing) none() bool { return f.length == 0 && !f.chunked }

// framingOf takes what is about the framing out of h's header, leaving
// Content-Length where it holds.
func framingOf(method string, h head) (framing, error) {
	f := framing{length: -1, last: h.minor == 0 && !listed(h.header["Connection"], "keep-alive") ||
		listed(h.header["Connection"], "close")}
	chunked, err := isChunked(h)
	if err != nil {
		return f, err
	}
	length, err := contentLength(h.header)
	if err != nil {
		return f, err
	}
	if chunked && length >= 0 {
		// RFC 9112 §6.1: the length is void, and the server not to be trusted
		// with another request.
		delete(h.header, "Content-Length")
		length, f.last = -1, true
	}
	switch {
	case method == http.MethodHead || h.code == http.StatusNotModified:
		f.length = 0
		return f, nil
	case h.code < 200 || h.code == http.StatusNoContent:
		delete(h.header, "Content-Length") // RFC 9110 §8.6 has none there
		f.length = 0
		return f, nil
	case chunked:
		f.chunked = true
		f.trailer, err = announced(h.header)
		return f, err
	}
	f.length = length
	f.last = f.last || length < 0
	return f, nil
}

// isChunked understands no other coding, and none in HTTP/1.0.
func isChunked(h head) (bool, error) {
	codings := h.header["Transfer-Encoding"]
	if codings == nil {
		return false, nil
	}
	delete(h.header, "Transfer-Encoding")
	if h.minor == 0 || len(codings) != 1 || !strings.EqualFold(codings[0], "chunked") {
		return false, fmt.Errorf("unsupported transfer encoding %.40q", codings)
	}
	return true, nil
}

// contentLength is -1 if there is none. Several that agree are one.
func contentLength(header http.Header) (int64, error) {
	values := header["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	first := values[0]
	for _, other := range values[1:] {
		if other != first {
			return 0, errors.New("several lengths that differ")
		}
	}
	n, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("malformed length %.40q", first)
	}
	header["Content-Length"] = values[:1]
	return int64(n), nil
}

// announced are the fields of the Trailer field, which is taken out.
func announced(header http.Header) (http.Header, error) {
	values := header["Trailer"]
	if values == nil {
		return nil, nil
	}
	delete(header, "Trailer")
	trailer := make(http.Header)
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
			switch {
			case name == "":
			case !isToken(name):
				return nil, errors.New("malformed field Trailer")
			case httpguts.ValidTrailerHeader(name):
				trailer[name] = nil
			}
		}
	}
	return trailer, nil
}

// listed reports whether a list of tokens has token.
func listed(values []string, token string) bool {
	for _, value := range values {
		if strings.EqualFold(value, token) {
			return true
		}
		if strings.Contains(value, ",") && httpguts.HeaderValuesContainsToken([]string{value}, token) {
			return true
		}
	}
	return false
}
