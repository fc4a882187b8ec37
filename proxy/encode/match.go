package encode

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Match says which responses are meant: those with one of the statuses, if
// there are any, and with every one of the fields.
type Match struct {
	// Status are statuses from 200 to 599, or 2 to 5 for all of 2xx to 5xx.
	Status []int `json:"status,omitempty"`
	// Header are fields that the response must have.
	Header []HeaderMatch `json:"header,omitempty"`
}

// HeaderMatch is a field and the values of which it must have one; none means
// any. A value may start or end with "*", or both.
type HeaderMatch struct {
	Field  string   `json:"field"`
	Values []string `json:"values,omitempty"`
}

func (m *Match) check() error {
	var problems []error
	if len(m.Status) == 0 && len(m.Header) == 0 {
		problems = append(problems, errors.New("match: nothing to match"))
	}
	for _, status := range m.Status {
		if (status < 2 || status > 5) && (status < 200 || status > 599) {
			problems = append(problems, fmt.Errorf("match: %d is not a status", status))
		}
	}
	for _, h := range m.Header {
		if !httpguts.ValidHeaderFieldName(h.Field) {
			problems = append(problems, fmt.Errorf("match: %q is not a header field name", h.Field))
		}
	}
	return errors.Join(problems...)
}

// compile makes the function that judges responses.
func (m *Match) compile() func(status int, header http.Header) bool {
	if m == nil {
		return func(_ int, header http.Header) bool { return shrinks(header.Get("Content-Type")) }
	}
	fields := slices.Clone(m.Header)
	for i := range fields {
		fields[i].Field = http.CanonicalHeaderKey(fields[i].Field)
	}
	return func(status int, header http.Header) bool {
		if len(m.Status) > 0 && !slices.Contains(m.Status, status) && !slices.Contains(m.Status, status/100) {
			return false
		}
		return !slices.ContainsFunc(fields, func(f HeaderMatch) bool { return !f.in(header) })
	}
}

func (f HeaderMatch) in(header http.Header) bool {
	for _, value := range header[f.Field] {
		if len(f.Values) == 0 || slices.ContainsFunc(f.Values, func(p string) bool { return like(value, p) }) {
			return true
		}
	}
	return false
}

// like compares a value with a pattern.
func like(value, pattern string) bool {
	inner, front := strings.CutPrefix(pattern, "*")
	inner, back := strings.CutSuffix(inner, "*")
	switch {
	case front && back:
		return strings.Contains(value, inner)
	case front:
		return strings.HasSuffix(value, inner)
	case back:
		return strings.HasPrefix(value, inner)
	}
	return value == pattern
}

// shrinks tells whether content of a type is worth compressing: Caddy's list.
func shrinks(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return strings.HasPrefix(media, "text/") || shrinking[media]
}

var shrinking = map[string]bool{
	"application/atom+xml":          true,
	"application/eot":               true,
	"application/font":              true,
	"application/font-sfnt":         true,
	"application/geo+json":          true,
	"application/graphql+json":      true,
	"application/javascript":        true,
	"application/json":              true,
	"application/ld+json":           true,
	"application/manifest+json":     true,
	"application/opentype":          true,
	"application/otf":               true,
	"application/rss+xml":           true,
	"application/truetype":          true,
	"application/ttf":               true,
	"application/vnd.api+json":      true,
	"application/vnd.ms-fontobject": true,
	"application/wasm":              true,
	"application/x-httpd-cgi":       true,
	"application/x-javascript":      true,
	"application/x-opentype":        true,
	"application/x-otf":             true,
	"application/x-perl":            true,
	"application/x-protobuf":        true,
	"application/x-ttf":             true,
	"application/xhtml+xml":         true,
	"application/xml":               true,
	"font/otf":                      true,
	"font/ttf":                      true,
	"image/svg+xml":                 true,
	"image/vnd.microsoft.icon":      true,
	"image/x-icon":                  true,
	"multipart/bag":                 true,
	"multipart/mixed":               true,
}
