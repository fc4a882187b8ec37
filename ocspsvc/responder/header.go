package responder

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Header values that every answer shares. Nothing changes them.
var (
	contentType = []string{"application/ocsp-response"}
	noStore     = []string{"no-store"}
)

// write sends the answer's bytes, with the headers of RFC 9919 §6: one with a
// nextUpdate may be cached for half of the life it has left, so that nobody's
// copy ends before he asks again. Everything else may not be cached.
func (a *answer) write(w http.ResponseWriter, r *http.Request, now time.Time) {
	header := w.Header()
	header["Content-Type"] = contentType
	if !now.Before(a.nextUpdate) { // also if there is none
		header["Cache-Control"] = noStore
	} else {
		header["Etag"] = a.etag
		header["Last-Modified"] = a.lastModified
		header["Expires"] = a.expires
		age := strconv.FormatInt(int64(a.nextUpdate.Sub(now)/2/time.Second), 10)
		header["Cache-Control"] = []string{"max-age=" + age + ", public, no-transform, must-revalidate"}
		if r.Method == http.MethodGet && names(r.Header["If-None-Match"], a.etag[0]) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	header["Content-Length"] = a.length
	_, _ = w.Write(a.der)
}

// names reports whether an If-None-Match lists etag (RFC 9110 §13.1.2). A copy
// that is marked weak was changed on the way only in its coding.
func names(lists []string, etag string) bool {
	for _, list := range lists {
		for listed := range strings.SplitSeq(list, ",") {
			listed = strings.TrimSpace(listed)
			if strings.TrimPrefix(listed, "W/") == etag || listed == "*" {
				return true
			}
		}
	}
	return false
}
