package relay

import (
	"crypto/sha256"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// maxCertID is more octets than a CertID of any hash has with a serial of 20
// octets (RFC 5280 §4.1.2.2) and the usual parameters.
const maxCertID = 256

// key names an answer: the SHA-256 of the CertID that was asked for. So GET and
// POST share one, and each spelling of the hash has its own, which clients want
// echoed.
type key [sha256.Size]byte

func keyOf(id *ocspsvc.CertID) key { return keyOfDER(id.Raw) }

func keyOfDER(certID []byte) key { return sha256.Sum256(certID) }

// transient is how long an answer is held that is worth no more: one that says
// unknown, as the certificate may be new, or has no nextUpdate, as there may
// be newer information at any time (RFC 6960 §4.2.2.1).
const transient = time.Minute

// answer is a verified response. Nothing changes it.
type answer struct {
	response          *ocspsvc.Response
	prepared          *responder.Answer // the response as HTTP has it
	status            ocspsvc.Status
	thisUpdate, until time.Time // until is when it ends
	refreshed         time.Time // when a responder last said this
	lasting           bool      // good or revoked, with a nextUpdate
}

// newAnswer makes an answer of a response with this verdict, which a responder
// gave at refreshed.
func newAnswer(response *ocspsvc.Response, v ocspsvc.Verdict, refreshed, now time.Time) *answer {
	refreshed, now = refreshed.Round(0), now.Round(0)
	if refreshed.After(now) { // the clock was wrong
		refreshed = v.ThisUpdate
	}
	a := &answer{response: response, status: v.Status, thisUpdate: v.ThisUpdate, refreshed: refreshed}
	a.until = v.Window(refreshed, 0).Until
	a.lasting = v.Status != ocspsvc.Unknown && !v.NextUpdate.IsZero()
	if !a.lasting && a.until.After(refreshed.Add(transient)) {
		a.until = refreshed.Add(transient)
	}
	a.prepared = responder.NewAnswer(response, a.until)
	return a
}

// valid reports whether it may be served. Wall time counts. Nobody minds a
// thisUpdate a little ahead, which he would have been given by the responder.
func (a *answer) valid(now time.Time) bool { return a != nil && now.Round(0).Before(a.until) }

// yields reports whether next may take a's place: what is older is a replay, or
// comes from a mirror that lags behind.
func (a *answer) yields(next *answer) bool {
	if a == nil || !next.thisUpdate.Equal(a.thisUpdate) {
		return a == nil || next.thisUpdate.After(a.thisUpdate)
	}
	return a.status != ocspsvc.Revoked || next.status == ocspsvc.Revoked
}
