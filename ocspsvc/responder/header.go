package responder

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"dwaar/ocspsvc"
)

// write sends the response's bytes, with the headers of RFC 9919 §6: an answer
// with a nextUpdate may be cached for half of the life it has left, so that
// nobody's copy ends before he asks again. Everything else may not be cached.
func write(w http.ResponseWriter, r *http.Request, response *ocspsvc.Response, now time.Time) {
	header := w.Header()
	header.Set("Content-Type", "application/ocsp-response")
	thisUpdate, nextUpdate := validity(response)
	if !now.Before(nextUpdate) { // also if there is none
		header.Set("Cache-Control", "no-store")
	} else {
		etag := sha256.Sum256(response.Raw)
		header.Set("ETag", `"`+hex.EncodeToString(etag[:])+`"`)
		header.Set("Last-Modified", thisUpdate.UTC().Format(http.TimeFormat))
		header.Set("Expires", nextUpdate.UTC().Format(http.TimeFormat))
		age := strconv.Itoa(int(nextUpdate.Sub(now) / 2 / time.Second))
		header.Set("Cache-Control", "max-age="+age+", public, no-transform, must-revalidate")
		if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == header.Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	header.Set("Content-Length", strconv.Itoa(len(response.Raw)))
	_, _ = w.Write(response.Raw)
}

// validity is the time in which all singles hold; nextUpdate is zero if one of
// them has none, or if there is no single.
func validity(response *ocspsvc.Response) (thisUpdate, nextUpdate time.Time) {
	for i, single := range response.Singles {
		if single.NextUpdate.IsZero() {
			return thisUpdate, time.Time{}
		}
		if i == 0 || single.ThisUpdate.After(thisUpdate) {
			thisUpdate = single.ThisUpdate
		}
		if i == 0 || single.NextUpdate.Before(nextUpdate) {
			nextUpdate = single.NextUpdate
		}
	}
	return thisUpdate, nextUpdate
}
