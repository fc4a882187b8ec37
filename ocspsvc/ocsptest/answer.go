package ocsptest

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"dwaar/ocspsvc"
)

// answer makes the response to req under s, faults and all.
func (r *Responder) answer(req *ocspsvc.Request, s Settings, c cast) ([]byte, error) {
	if status, ok := errorStatus(s.Fault); ok {
		return ocspsvc.MarshalError(status), nil
	}
	for _, id := range req.CertIDs {
		if !id.MatchesIssuer(r.ca.Cert) || s.OnlyHash != 0 && id.Hash != s.OnlyHash {
			return ocspsvc.MarshalError(ocspsvc.Unauthorized), nil
		}
	}
	cert, key, certs := r.signer(s, c)
	t, err := r.template(req, s, c)
	if err != nil {
		return nil, err
	}
	t.Certificates, t.ResponderID = certs, responderID(s.Fault, cert, c)
	if s.Fault == SHA1Signature {
		t.Algorithm = x509.ECDSAWithSHA1
		if _, ok := key.Public().(*rsa.PublicKey); ok {
			t.Algorithm = x509.SHA1WithRSA
		}
	}
	response, err := t.Sign(cert, key)
	if err != nil {
		return nil, err
	}
	return damage(response, s.Fault), nil
}

func errorStatus(fault Fault) (ocspsvc.ResponseStatus, bool) {
	status, ok := map[Fault]ocspsvc.ResponseStatus{
		MalformedRequest: ocspsvc.MalformedRequest, InternalError: ocspsvc.InternalError,
		TryLater: ocspsvc.TryLater, SigRequired: ocspsvc.SigRequired, Unauthorized: ocspsvc.Unauthorized,
	}[fault]
	return status, ok
}

func responderID(fault Fault, signer *x509.Certificate, c cast) ocspsvc.ResponderID {
	switch fault {
	case ByName, DelegateForeign, LeafSigner, WrongIssuer, TwinSigner:
		return ocspsvc.ByName(signer)
	case WrongResponderID:
		return ocspsvc.ByName(c.stranger.Cert)
	}
	return ocspsvc.ByKey(signer)
}

// template says what the fault wants said.
func (r *Responder) template(req *ocspsvc.Request, s Settings, c cast) (ocspsvc.Template, error) {
	now := time.Now().Truncate(time.Second)
	t := ocspsvc.Template{ProducedAt: now, Nonce: req.Nonce}
	for _, id := range req.CertIDs {
		singles, err := r.singles(id, s, c, now)
		if err != nil {
			return t, err
		}
		t.Singles = append(t.Singles, singles...)
	}
	switch s.Fault {
	case NoSingles:
		t.Singles = nil
	case ProducedInFuture:
		t.ProducedAt = now.Add(time.Hour)
	case ProducedTooEarly:
		t.ProducedAt = now.Add(-400 * day)
	case Expired:
		t.ProducedAt = t.Singles[0].ThisUpdate
	case CriticalResponse:
		t.Extensions = []pkix.Extension{unknownExtension(true)}
	case NonCritical:
		t.Extensions = []pkix.Extension{unknownExtension(false)}
	case NotIssued:
		t.Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 9}, Value: []byte{5, 0}}}
	case NonceUnasked:
		if len(req.Nonce) == 0 {
			t.Nonce = []byte("a nonce that nobody has asked for")
		}
	case NonceMismatch:
		t.Nonce = []byte("a nonce that nobody has ever sent")
	case NonceOmitted:
		t.Nonce = nil
	}
	return t, nil
}

func unknownExtension(critical bool) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 2}, Critical: critical, Value: []byte{5, 0}}
}

// singles is what is said about one certificate.
func (r *Responder) singles(id ocspsvc.CertID, s Settings, c cast, now time.Time) ([]ocspsvc.Single, error) {
	single := ocspsvc.Single{CertID: id, Status: ocspsvc.Good, ThisUpdate: now.Add(-s.Age)}
	s.shift(&single, now)
	s.judge(&single, now)
	second := single
	switch s.Fault {
	case WrongSerial:
		single.CertID.Raw, single.CertID.Serial = nil, new(big.Int).Add(id.Serial, big.NewInt(1))
	case WrongIssuer:
		foreign := &x509.Certificate{SerialNumber: id.Serial, RawIssuer: c.twin.Cert.RawSubject}
		var err error
		if single.CertID, err = ocspsvc.NewCertID(foreign, c.twin.Cert, id.Hash); err != nil {
			return nil, fmt.Errorf("naming the certificate of another issuer: %w", err)
		}
	case SeveralSingles:
		second.CertID.Raw, second.CertID.Serial = nil, new(big.Int).Add(id.Serial, big.NewInt(1))
		second.Status, second.RevokedAt = ocspsvc.Revoked, now
		return []ocspsvc.Single{second, single}, nil
	case GoodAndRevoked:
		second.Status, second.RevokedAt = ocspsvc.Revoked, now
		return []ocspsvc.Single{single, second}, nil
	case GoodAndUnknown:
		second.Status = ocspsvc.Unknown
		return []ocspsvc.Single{single, second}, nil
	}
	return []ocspsvc.Single{single}, nil
}

// shift sets the times.
func (s Settings) shift(single *ocspsvc.Single, now time.Time) {
	validity := s.Validity
	if validity == 0 {
		validity = 7 * day
	}
	switch s.Fault {
	case Expired:
		single.ThisUpdate = now.Add(-validity - time.Second)
	case Old:
		single.ThisUpdate, validity = now.Add(-30*day), 60*day
	case NearFuture:
		single.ThisUpdate = now.Add(4 * time.Minute)
	case Future:
		single.ThisUpdate = now.Add(time.Hour)
	case Backwards:
		single.ThisUpdate, validity = now.Add(-time.Minute), -time.Minute
	case NoNextUpdate:
		return
	}
	single.NextUpdate = single.ThisUpdate.Add(validity)
}

// judge sets status and extensions.
func (s Settings) judge(single *ocspsvc.Single, now time.Time) {
	revokedAt := s.RevokedAt
	if revokedAt.IsZero() {
		revokedAt = now.Add(-time.Hour)
	}
	switch s.Fault {
	case Revoked, ChangedContent:
		single.Status, single.RevokedAt, single.RevocationReason = ocspsvc.Revoked, revokedAt, ocspsvc.KeyCompromise
	case OnHold:
		single.Status, single.RevokedAt, single.RevocationReason = ocspsvc.Revoked, revokedAt, ocspsvc.CertificateHold
	case NotIssued:
		single.Status, single.RevokedAt, single.RevocationReason = ocspsvc.Revoked, time.Unix(0, 0), ocspsvc.CertificateHold
	case Unknown:
		single.Status = ocspsvc.Unknown
	case CriticalSingle:
		single.Extensions = []pkix.Extension{unknownExtension(true)}
	case NonCritical:
		single.Extensions = []pkix.Extension{unknownExtension(false)}
	case CriticalSCTs:
		scts := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}
		single.Extensions = []pkix.Extension{{Id: scts, Critical: true, Value: []byte{4, 2, 0, 0}}}
	}
}

// damage spoils the bytes after they were signed.
func damage(r *ocspsvc.Response, fault Fault) []byte {
	der := bytes.Clone(r.Raw)
	switch fault {
	case BadSignature:
		at := bytes.LastIndex(der, r.Signature) + len(r.Signature) - 1
		der[at] ^= 1
	case ChangedContent: // another year of revocation, which keeps all lengths
		at := bytes.LastIndex(der, []byte(r.Singles[0].RevokedAt.UTC().Format("20060102150405Z")))
		der[at+3] ^= 1
	case TrailingByte:
		return append(der, 0)
	case Truncated:
		return der[:len(der)-1]
	case Garbage:
		return bytes.Repeat([]byte{0xa5, 0x17, 0x30}, 200)
	case Empty:
		return nil
	case HTML:
		return []byte("<!DOCTYPE html><title>Welcome to your captive portal</title>")
	case Oversize, OversizeChunked:
		return append(der, make([]byte, 64<<10)...)
	}
	return der
}
