package ocspsvc

import (
	"bytes"
	"crypto/x509/pkix"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of what is read from outside. Nothing larger is looked into.
const (
	MaxRequestSize = 10 << 10 // octets of a DER encoded request
	MaxCertIDs     = 64       // certificates asked about by one request
	MaxNonceSize   = 128      // octets (RFC 9654 §2.1)
)

// MaxResponseSize is how many octets a DER encoded response may have. It is
// what goes through every handshake: clients with OpenSSL refuse a TLS 1.2
// CertificateStatus of more than 16 KiB, 4 octets of which are not the
// response. TLS 1.3 would carry 65,527, and crypto/tls clients of TLS 1.2
// 65,532.
const MaxResponseSize = 16<<10 - 4

// Request is an OCSP request (RFC 6960 §4.1.1). Its zero value with CertIDs
// set is what a client sends; a requestor name and a signature are accepted
// when reading, and ignored.
type Request struct {
	CertIDs []CertID

	// Nonce is sent if it is not empty, and is what was received: 1 to 128
	// octets (RFC 9654), or nil.
	Nonce []byte

	// Extensions are the request's extensions besides the nonce. None that
	// ParseRequest lets pass is both unknown and critical.
	Extensions []pkix.Extension

	// Signed reports that the request carried a signature, which is only read by
	// VerifySignature. Marshal never signs.
	Signed       bool
	RawTBS       []byte // the signed part, of a signed request
	RawSignature []byte // Signature of RFC 6960 §4.1.1, without tag and length
}

// ParseRequest reads a DER encoded request. Its errors have the reason
// malformed, for which a responder answers malformedRequest, or too_large: over
// MaxRequestSize octets or MaxCertIDs certificates. A critical extension that
// is not known makes a request malformed (RFC 6960 §4.1.2), as does a nonce of
// no or more than MaxNonceSize octets.
func ParseRequest(der []byte) (*Request, error) {
	if len(der) > MaxRequestSize {
		return nil, Refuse(ReasonTooLarge, "request of %d octets, at most %d are read", len(der), MaxRequestSize)
	}
	input := cryptobyte.String(bytes.Clone(der))
	var outer, tbs, list cryptobyte.String
	var r Request
	var element cryptobyte.String
	ok := input.ReadASN1(&outer, cbasn1.SEQUENCE) && input.Empty() &&
		outer.ReadASN1Element(&element, cbasn1.SEQUENCE) && r.readSignature(&outer) && outer.Empty()
	if r.Signed {
		r.RawTBS = element
	}
	if !ok || !element.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		return nil, Refuse(ReasonMalformed, "not a DER encoded OCSP request")
	}
	if !readVersion(&tbs) || !tbs.SkipOptionalASN1(explicit(1)) || !tbs.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil, Refuse(ReasonMalformed, "unreadable or unsupported version of an OCSP request")
	}
	if err := r.readList(list); err != nil {
		return nil, err
	}
	if err := r.readExtensions(&tbs); err != nil {
		return nil, err
	}
	return &r, nil
}

// readSignature notes and skips [0] EXPLICIT Signature OPTIONAL.
func (r *Request) readSignature(s *cryptobyte.String) bool {
	var outer, body cryptobyte.String
	ok := s.ReadOptionalASN1(&outer, &r.Signed, explicit(0)) &&
		(!r.Signed || outer.ReadASN1(&body, cbasn1.SEQUENCE) && outer.Empty())
	r.RawSignature = body
	return ok
}

func (r *Request) readList(list cryptobyte.String) error {
	if list.Empty() {
		return Refuse(ReasonMalformed, "the request asks for no certificate")
	}
	for !list.Empty() {
		if len(r.CertIDs) == MaxCertIDs {
			return Refuse(ReasonTooLarge, "the request asks for more than %d certificates", MaxCertIDs)
		}
		var single cryptobyte.String
		if !list.ReadASN1(&single, cbasn1.SEQUENCE) {
			return Refuse(ReasonMalformed, "unreadable entry %d of the request", len(r.CertIDs)+1)
		}
		id, okID := readCertID(&single)
		extensions, okExtensions := readExtensions(&single, 0)
		if !okID || !okExtensions || !single.Empty() {
			return Refuse(ReasonMalformed, "unreadable entry %d of the request", len(r.CertIDs)+1)
		}
		if err := refuseCritical(extensions); err != nil {
			return err
		}
		r.CertIDs = append(r.CertIDs, id)
	}
	return nil
}

func (r *Request) readExtensions(tbs *cryptobyte.String) error {
	extensions, ok := readExtensions(tbs, 2)
	if !ok || !tbs.Empty() {
		return Refuse(ReasonMalformed, "unreadable extensions of the request")
	}
	nonce, rest := takeExtension(extensions, oidNonce)
	if nonce != nil {
		value := cryptobyte.String(nonce.Value)
		if !value.ReadASN1Bytes(&r.Nonce, cbasn1.OCTET_STRING) || !value.Empty() ||
			len(r.Nonce) == 0 || len(r.Nonce) > MaxNonceSize {
			return Refuse(ReasonMalformed, "a nonce has to be 1 to %d octets", MaxNonceSize)
		}
	}
	r.Extensions = rest
	return refuseCritical(rest)
}

// refuseCritical returns an error for a critical extension, other than the two
// that only say what the client understands.
func refuseCritical(extensions []pkix.Extension) error {
	for _, extension := range extensions {
		if extension.Critical && !extension.Id.Equal(oidResponseTypes) && !extension.Id.Equal(oidPreferredAlgs) {
			return Refuse(ReasonMalformed, "unknown critical request extension %s", extension.Id)
		}
	}
	return nil
}

// Marshal returns the DER encoded request. It fails without a CertID, for a
// CertID with an unknown hash, and for a nonce over MaxNonceSize octets.
func (r *Request) Marshal() ([]byte, error) {
	switch {
	case len(r.CertIDs) == 0:
		return nil, errors.New("making an OCSP request: no certificate to ask for")
	case len(r.Nonce) > MaxNonceSize:
		return nil, fmt.Errorf("making an OCSP request: nonce of %d octets, at most %d are allowed", len(r.Nonce), MaxNonceSize)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, r.marshalTBS)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("making an OCSP request: %w", err)
	}
	return der, nil
}

func (r *Request) marshalTBS(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, id := range r.CertIDs {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addCertID(b, id) })
		}
	})
	addExtensions(b, 2, r.Nonce, r.Extensions)
}
