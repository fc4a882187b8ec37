package client

import (
	"crypto"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"dwaar/ocspsvc"
)

// variant is one way to put the question: S9.
type variant struct {
	method string      // http.MethodGet or http.MethodPost
	hash   crypto.Hash // of the CertID: SHA-1 or SHA-256
	fresh  bool        // past every cache
}

// String is the variant for logs and errors: "GET sha1".
func (v variant) String() string {
	words := v.method + " " + strings.ToLower(strings.ReplaceAll(v.hash.String(), "-", ""))
	if v.fresh {
		words += " no-cache"
	}
	return words
}

func (v variant) otherHash() variant {
	if v.hash == crypto.SHA1 {
		return variant{method: v.method, hash: crypto.SHA256}
	}
	return variant{method: v.method, hash: crypto.SHA1}
}

func (v variant) otherMethod() variant {
	if v.method == http.MethodGet {
		return variant{method: http.MethodPost, hash: v.hash}
	}
	return variant{method: http.MethodGet, hash: v.hash}
}

// alternatives are the variants worth trying after v brought err, best first.
func (v variant) alternatives(err error) []variant {
	switch ocspsvc.ReasonOf(err) {
	case ocspsvc.ReasonHTTPError, ocspsvc.ReasonMalformed, ocspsvc.ReasonTooLarge:
		return []variant{v.otherMethod()}
	case ocspsvc.ReasonUnreachable:
		if errors.As(err, new(*droppedError)) {
			return []variant{v.otherMethod()}
		}
	case ocspsvc.ReasonWrongCertificate, ocspsvc.ReasonUnknown:
		return []variant{v.otherHash()}
	case ocspsvc.ReasonExpired:
		if v.method == http.MethodGet {
			return []variant{{v.method, v.hash, true}}
		}
	case ocspsvc.ReasonResponderError:
		return v.afterRefusal(err)
	}
	return nil
}

// afterRefusal looks for what the responder did not like: an issuer it indexes
// by the other hash (unauthorized), a hash it does not know (malformedRequest,
// or internalError from OpenSSL's), or a path it did not decode
// (malformedRequest).
func (v variant) afterRefusal(err error) []variant {
	var refused *statusError
	if !errors.As(err, &refused) {
		return nil
	}
	switch refused.status {
	case ocspsvc.Unauthorized, ocspsvc.InternalError:
		return []variant{v.otherHash()}
	case ocspsvc.MalformedRequest:
		return []variant{v.otherHash(), v.otherMethod(), v.otherHash().otherMethod()}
	}
	return nil
}

// maxGET is the longest URL, with scheme, host and encoded request, that is
// asked by GET (RFC 5019 §5, RFC 9919 §5).
const maxGET = 255

// getURL is u with the request appended: base64, percent-encoded (RFC 6960
// appendix A.1). It is "" where GET cannot be used.
func getURL(u *url.URL, request []byte) string {
	if u.RawQuery != "" || u.ForceQuery {
		return ""
	}
	raw := u.String()
	if !strings.HasSuffix(raw, "/") {
		raw += "/"
	}
	raw += url.QueryEscape(base64.StdEncoding.EncodeToString(request))
	if len(raw) > maxGET {
		return ""
	}
	return raw
}
