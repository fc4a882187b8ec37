package responder

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"dwaar/ocspsvc"
)

// maxPath is the longest path worth decoding: base64 with every character
// percent-encoded.
const maxPath = 4 * ocspsvc.MaxRequestSize

var errPathTooLong = errors.New("the path is too long to be an OCSP request")

// standard turns URL-safe base64 into the standard one.
var standard = strings.NewReplacer("-", "+", "_", "/")

// appendRequestFromPath decodes the request that a GET has as the rest of its path
// (RFC 6960 appendix A.1). Clients differ, so base64 may be the standard or the
// URL-safe one, with or without padding and percent-encoding, and any number
// of slashes may lead. Slashes inside are part of it.
func appendRequestFromPath(to []byte, escaped, prefix string) ([]byte, error) {
	if len(escaped) > maxPath {
		return nil, errPathTooLong
	}
	rest, ok := strings.CutPrefix(escaped, strings.TrimSuffix(prefix, "/"))
	if !ok || rest != "" && rest[0] != '/' && !strings.HasPrefix(rest, "%2F") && !strings.HasPrefix(rest, "%2f") {
		return nil, fmt.Errorf("the path is not under %s", prefix)
	}
	text, err := url.PathUnescape(rest)
	if err != nil {
		return nil, fmt.Errorf("decoding the path: %w", err)
	}
	text = standard.Replace(strings.TrimRight(strings.TrimLeft(text, "/"), "="))
	if to, err = base64.RawStdEncoding.AppendDecode(to, []byte(startOfRequest(text))); err != nil {
		return nil, fmt.Errorf("decoding the path: %w", err)
	}
	return to, nil
}

// startOfRequest cuts off directories in front of a request: the URL of a
// responder may have any path, and dwaar need not be told. A request says in its
// first octets how long it is, so what starts behind a slash, and says that it
// ends where the path does, is the request. Without one, it is all of the text.
func startOfRequest(text string) string {
	for start := 0; ; {
		if saysItsLength(text[start:]) {
			return text[start:]
		}
		next := strings.IndexByte(text[start:], '/')
		if next < 0 {
			return text
		}
		start += next + 1
	}
}

// saysItsLength reports whether base64 begins with the tag and the length of a
// SEQUENCE that is all of it.
func saysItsLength(text string) bool {
	var head [6]byte
	if len(text) < 8 || text[0] != 'M' {
		return false
	}
	if _, err := base64.RawStdEncoding.Decode(head[:], []byte(text[:8])); err != nil || head[0] != 0x30 {
		return false
	}
	size := 2 + int(head[1])
	switch head[1] {
	case 0x81:
		size = 3 + int(head[2])
	case 0x82:
		size = 4 + int(head[2])<<8 + int(head[3])
	}
	return len(text) == base64.RawStdEncoding.EncodedLen(size)
}
