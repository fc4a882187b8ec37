package encode

import (
	"net/http"
	"strings"
)

// An encoded representation has a strong ETag of its own (RFC 9110 §8.8.3.3):
// "x" becomes "x-gzip". Who made "x" knows nothing of that, so that a client's
// conditions on "x-gzip" must be conditions on "x" too when they arrive there.

// tag gives the ETag of a response the suffix of its coding.
func tag(header http.Header, suffix string) {
	etag := header.Get("Etag")
	if strings.HasPrefix(etag, `"`) && len(etag) > 1 && strings.HasSuffix(etag, `"`) && !strings.HasSuffix(etag, suffix) {
		header.Set("Etag", strings.TrimSuffix(etag, `"`)+suffix)
	}
}

// untagged is r with the conditions its handlers understand, and whether that
// is another request than r.
func untagged(r *http.Request, suffix string) (*http.Request, bool) {
	fields := conditions
	if r.Header["Range"] != nil {
		// The parts of what is not encoded are no parts of "x-gzip".
		fields = fields[:1]
	}
	var out *http.Request
	for _, field := range fields {
		if values, changed := withoutSuffix(r.Header[field], suffix); changed {
			if out == nil {
				out = new(http.Request)
				*out = *r
				out.Header = r.Header.Clone()
			}
			out.Header[field] = values
		}
	}
	if out == nil {
		return r, false
	}
	return out, true
}

var conditions = []string{"If-None-Match", "If-Match"}

// withoutSuffix adds to each line the tags that have the suffix, without it.
// They stay as they are too: they may be the handler's own.
func withoutSuffix(lines []string, suffix string) (out []string, changed bool) {
	for i, line := range lines {
		if !strings.Contains(line, suffix) {
			continue
		}
		if out == nil {
			out = append(out, lines...)
		}
		out[i] = line + ", " + strings.ReplaceAll(line, suffix, `"`)
	}
	return out, out != nil
}
