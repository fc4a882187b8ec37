package stapler

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

// held is a verified answer about a leaf, good or revoked. It is not changed
// once it is made; Reconfigure makes a new one.
type held struct {
	response  []byte
	verdict   ocspsvc.Verdict
	refreshed time.Time // when a responder last said so (S3)
	stamp     time.Time // the same by the clock of the node that has asked
	staple    *Staple   // nil unless good
	barred    bool      // good, but without the nextUpdate that is required by now
}

// newHeld makes the held form of a verified answer. It does not keep response
// but a copy of its exact size, unless kept has the same bytes already.
func newHeld(response []byte, verdict ocspsvc.Verdict, refreshed time.Time, cfg Config, kept *held) *held {
	if kept != nil && bytes.Equal(kept.response, response) {
		response = kept.response
	} else {
		response = bytes.Clone(response)
	}
	h := &held{response: response, verdict: verdict, refreshed: refreshed.Round(0), stamp: refreshed.Round(0)}
	if verdict.Status == ocspsvc.Good {
		window := verdict.Window(h.refreshed, cfg.MaxAge)
		if h.barred = cfg.RequireNextUpdate && verdict.NextUpdate.IsZero(); h.barred {
			window.Until = window.From
		}
		h.staple = &Staple{Response: response, From: window.From, Until: window.Until}
	}
	return h
}

func (h *held) isBarred() bool { return h != nil && h.barred }

func (h *held) revoked() bool { return h != nil && h.verdict.Status == ocspsvc.Revoked }

func (h *held) servable(now time.Time) bool { return h != nil && h.staple.Servable(now) }

// until is when the staple ends; zero if h is none.
func (h *held) until() time.Time {
	if h == nil || h.staple == nil {
		return time.Time{}
	}
	return h.staple.Until
}

// endedBy is the reason word for a staple that has ended (S3).
func (h *held) endedBy(now time.Time) ocspsvc.Reason {
	if h.barred {
		return ocspsvc.ReasonNoNextUpdate
	}
	if end := h.lifeEnd(); !end.IsZero() && !now.Before(end) {
		return ocspsvc.ReasonExpired
	}
	return ocspsvc.ReasonTooOld
}

// remains is how long an ended response is kept, in case the clock was wrong.
const remains = 24 * time.Hour

// shed returns h without the bytes of a staple that has long ended: what
// remains says in the status that there was one.
func (h *held) shed(now time.Time) *held {
	if h == nil || h.staple == nil || now.Sub(h.staple.Until) < remains {
		return h
	}
	empty := *h
	empty.response, empty.staple = nil, &Staple{From: h.staple.From, Until: h.staple.Until}
	return &empty
}

// lifeEnd is when the answer ends by itself, whatever max_age says; zero if it
// does not.
func (h *held) lifeEnd() time.Time {
	end := h.verdict.NextUpdate
	if signer := h.verdict.SignerNotAfter; !signer.IsZero() && (end.IsZero() || signer.Before(end)) {
		end = signer
	}
	return end
}

// judge verifies an answer, whatever the Fetcher or the disk promise. What is
// judged are the raw bytes: they are what will be stapled. The verdict is good
// or revoked if there is no error.
func judge(raw []byte, leaf, issuer *x509.Certificate, now time.Time, cfg Config) (ocspsvc.Verdict, error) {
	response, err := ocspsvc.ParseResponse(raw)
	if err != nil {
		return ocspsvc.Verdict{}, err
	}
	verdict, err := ocspsvc.Verify(response, leaf, issuer, now, ocspsvc.VerifyOptions{AllowNoNextUpdate: !cfg.RequireNextUpdate})
	switch {
	case err != nil:
		return verdict, err
	case verdict.Status == ocspsvc.Unknown:
		return verdict, &ocspsvc.Error{Reason: ocspsvc.ReasonUnknown, Err: errors.New("the responder does not know the certificate")}
	case verdict.NextUpdate.IsZero() && now.Sub(verdict.ThisUpdate) >= cfg.MaxAge:
		return verdict, &ocspsvc.Error{Reason: ocspsvc.ReasonTooOld, Err: errors.New("there is no nextUpdate, and max_age has passed since thisUpdate")}
	}
	return verdict, nil
}

// reasonOf is the word for any error of a round.
func reasonOf(err error) ocspsvc.Reason {
	if reason := ocspsvc.ReasonOf(err); reason != "" {
		return reason
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ocspsvc.ReasonTimeout
	}
	return ocspsvc.ReasonUnreachable
}
