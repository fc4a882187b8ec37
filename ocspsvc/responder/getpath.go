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

// requestFromPath decodes the request that a GET has as the rest of its path
// (RFC 6960 appendix A.1). Clients differ, so base64 may be the standard or the
// URL-safe one, with or without padding and percent-encoding, and any number
// of slashes may lead: no request starts with one, as DER starts with M. Slashes
// inside are part of it.
func requestFromPath(escaped, prefix string) ([]byte, error) {
	if len(escaped) > maxPath {
		return nil, errPathTooLong
	}
	rest, ok := strings.CutPrefix(escaped, strings.TrimSuffix(prefix, "/"))
	if !ok {
		return nil, fmt.Errorf("the path is not under %s", prefix)
	}
	text, err := url.PathUnescape(rest)
	if err != nil {
		return nil, fmt.Errorf("decoding the path: %w", err)
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimLeft(text, "/"))
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, fmt.Errorf("decoding the path: %w", err)
	}
	return der, nil
}
