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

// maxAge bounds how long caches may keep an answer, however long its life is: a
// revocation is to be seen by those behind them within a day, and a clock that is
// wrong does no harm for longer.
const maxAge = 24 * time.Hour

// cacheControl is the header field for answers that may be kept so many seconds.
type cacheControl struct {
	seconds int64
	value   []string
}

// cacheControl lets caches keep an answer for half of the life it has left, so that
// nobody's copy ends before he asks again. Many answers are sent in a second, so the
// value is made once for all that say the same.
func (a *Answer) cacheControl(now time.Time) []string {
	left := min(a.nextUpdate.Sub(now), a.nextUpdate.Sub(a.thisUpdate))
	seconds := int64(min(left/2, maxAge) / time.Second)
	last := a.control.Load()
	if last == nil || last.seconds != seconds {
		last = &cacheControl{seconds, []string{"max-age=" + strconv.FormatInt(seconds, 10) + ", public, no-transform, must-revalidate"}}
		a.control.Store(last)
	}
	return last.value
}

// write sends the answer's bytes, with the headers of RFC 9919 §6. What has no
// nextUpdate, or one that has passed, may not be cached.
func (a *Answer) write(w http.ResponseWriter, r *http.Request, now time.Time) {
	header, now := w.Header(), now.Round(0)
	header["Content-Type"] = contentType
	if !now.Before(a.nextUpdate) { // also if there is none
		header["Cache-Control"] = noStore
	} else {
		header["Etag"] = a.etag
		header["Last-Modified"] = a.lastModified
		header["Expires"] = a.expires
		header["Cache-Control"] = a.cacheControl(now)
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
