package responder

import (
	"context"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// watchDates is how often the dates of the signers are looked at.
const watchDates = time.Hour

// signerState is how it stands with a signer's certificate.
type signerState string

const (
	signerValid  signerState = "valid"
	signerEnding signerState = "ending" // a person has to renew it
	signerEnded  signerState = "ended"  // nothing is signed any more
)

// ends is when the signer's certificate is over: nothing that it signed counts
// after that.
func (a *authority) ends() time.Time { return a.Signer.NotAfter }

// inTime refuses to sign outside the dates of a delegate: no client would
// believe it. Those of the issuer are the business of whoever trusts the chain.
func (a *authority) inTime(now time.Time) error {
	if a.delegated && !now.Before(a.ends()) {
		return fmt.Errorf("the certificate of the signer %s ended %s", a.Signer.Subject, a.ends().Format(time.RFC3339))
	}
	return nil
}

// state warns early: when a third of the certificate's life is left, or answers
// begin to be cut short.
func (a *authority) state(now time.Time, validity time.Duration) signerState {
	left := a.ends().Sub(now)
	switch {
	case left <= 0:
		return signerEnded
	case left < a.ends().Sub(a.Signer.NotBefore)/3, left < validity:
		return signerEnding
	}
	return signerValid
}

// watchSigners warns of signers that come to their end, each time their state
// changes for the worse, and once a day.
func (s *Signer) watchSigners(ctx context.Context) {
	said := make([]signerState, len(s.authorities))
	at := make([]time.Time, len(s.authorities))
	for {
		now := time.Now()
		for i, a := range s.authorities {
			state := a.state(now, s.cfg.Validity)
			if state != said[i] || state != signerValid && now.Sub(at[i]) >= 24*time.Hour {
				s.warnOf(a, state)
				said[i], at[i] = state, now
			}
		}
		if !sleep(ctx, watchDates) {
			return
		}
	}
}

func (s *Signer) warnOf(a *authority, state signerState) {
	log := s.log.With("signer", a.Signer.Subject.String(), "issuer", a.Issuer.Subject.String(), "not_after", a.ends().UTC())
	switch {
	case state == signerEnded && a.delegated:
		log.Error("the OCSP signer's certificate has ended; nothing is signed until there is another one")
	case state == signerEnded:
		log.Error("the certificate of the CA has ended, and its answers with it")
	case state == signerEnding:
		log.Warn("the OCSP signer's certificate ends soon; renew it and reload")
	}
}

// warnOfNoCheck warns of delegates whose own revocation clients will want to
// check, which they would ask this responder about.
func (s *Signer) warnOfNoCheck(a *authority) {
	if a.delegated && !ocspsvc.HasNoCheck(a.Signer) {
		s.log.Warn("the OCSP signer's certificate has no id-pkix-ocsp-nocheck extension; clients may refuse it",
			"signer", a.Signer.Subject.String())
	}
}
