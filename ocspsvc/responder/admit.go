package responder

import (
	"context"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// shortNonce is what NonceRequired does not count as a nonce (RFC 9654 §2.1).
const shortNonce = 16

// overhead is more than what a response has besides its singles and the
// signer's certificate: a signature by a key of 8192 bits and a nonce.
const overhead = 1024 + 512

// singleOverhead is more than what a single has besides its CertID.
const singleOverhead = 110

// admit refuses requests that are not for this responder: too large ones, ones
// about other issuers, and those of strangers. It returns whose certificates are
// asked about, which have to be of one CA, as only that one's signer may answer;
// and the form of the first CertID.
func (s *Signer) admit(ctx context.Context, req *ocspsvc.Request) (*authority, int, error) {
	if len(req.CertIDs) == 0 || len(req.CertIDs) > s.cfg.Limits.CertIDs {
		return nil, 0, refuse(ocspsvc.MalformedRequest, "the request asks for %d certificates, 1 to %d are answered", len(req.CertIDs), s.cfg.Limits.CertIDs)
	}
	a, form := s.authorityOf(&req.CertIDs[0])
	if a == nil {
		return nil, 0, fmt.Errorf("serial %x: %w", req.CertIDs[0].Serial, ocspsvc.ErrNotOurs)
	}
	size := overhead + len(a.Signer.Raw)
	for i := range req.CertIDs {
		id := &req.CertIDs[i]
		if _, ours := a.formOf(id); !ours {
			return nil, 0, fmt.Errorf("serial %x: %w", id.Serial, ocspsvc.ErrNotOurs)
		}
		size += len(id.Raw) + singleOverhead
	}
	if size > ocspsvc.MaxResponseSize {
		return nil, 0, refuse(ocspsvc.MalformedRequest, "the answer might have %d octets, at most %d are sent", size, ocspsvc.MaxResponseSize)
	}
	return a, form, s.admitRequester(ctx, req)
}

func (s *Signer) authorityOf(id *ocspsvc.CertID) (*authority, int) {
	for _, a := range s.authorities {
		if form, ours := a.formOf(id); ours {
			return a, form
		}
	}
	return nil, 0
}

// admitRequester checks the request's signature, if clients have to sign. That
// costs as much as signing, so it takes its turn in the same queue.
func (s *Signer) admitRequester(ctx context.Context, req *ocspsvc.Request) error {
	if s.requesters == nil {
		return nil
	}
	if !req.Signed {
		return refuse(ocspsvc.SigRequired, "the request is not signed")
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	return s.turn(ctx, func() error {
		requester, err := req.VerifySignature(s.requesters, time.Now())
		if ocspsvc.ReasonOf(err) == ocspsvc.ReasonMalformed {
			return &refusal{ocspsvc.MalformedRequest, err}
		}
		if err != nil {
			return &refusal{ocspsvc.Unauthorized, err}
		}
		s.log.Debug("signed OCSP request", "requester", requester.Subject)
		return nil
	})
}

// nonceOf is the nonce to echo, if any. RFC 9654 wants 16 to 32 octets accepted;
// shorter and longer ones may be left out of the answer, but whoever sent one
// wants it back, and it costs nothing.
func (s *Signer) nonceOf(req *ocspsvc.Request) ([]byte, error) {
	switch {
	case s.cfg.Nonce == NonceIgnore:
		return nil, nil
	case s.cfg.Nonce == NonceRequired && len(req.Nonce) < shortNonce:
		return nil, refuse(ocspsvc.Unauthorized, "a nonce of at least %d octets is required", shortNonce)
	}
	return req.Nonce, nil
}
