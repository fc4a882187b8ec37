package ocspsvc

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxCertificates is how many embedded certificates are read at most.
const maxCertificates = 16

// Response is an OCSP response (RFC 6960 §4.2.1). ParseResponse makes one;
// what it says must not be believed before Verify.
type Response struct {
	Raw            []byte // the whole response, exactly as received: what is stapled and stored (S5)
	ResponseStatus ResponseStatus

	// The rest is empty unless ResponseStatus is Successful.

	ResponderID  ResponderID
	ProducedAt   time.Time
	Singles      []Single
	Certificates []*x509.Certificate // embedded ones, in order
	Nonce        []byte              // nil if there was none
	Extensions   []pkix.Extension    // besides the nonce

	SignatureAlgorithm x509.SignatureAlgorithm // x509.UnknownSignatureAlgorithm if not supported
	SignatureOID       asn1.ObjectIdentifier   // of the algorithm, also of an unsupported one
	Signature          []byte
	RawTBS             []byte // the signed part

	saltLength int // of RSA-PSS
}

// ErrorResponse returns the unsigned response that says status and nothing
// else (RFC 6960 §2.3). It is meant for every status but Successful.
func ErrorResponse(status ResponseStatus) *Response {
	return &Response{Raw: MarshalError(status), ResponseStatus: status}
}

// MarshalError returns the five octets of an unsigned error response.
func MarshalError(status ResponseStatus) []byte {
	return []byte{0x30, 0x03, 0x0a, 0x01, byte(status)}
}

// ParseResponse reads a DER encoded response. It keeps a copy of der as Raw,
// byte for byte. Its errors are *Error: too_large for more than
// MaxResponseSize octets, otherwise malformed. Nothing in it that cannot be
// read is passed over: whoever gets these bytes as a staple reads all of them,
// and clients refuse a response for one bad certificate, which the signature
// does not cover, so that anybody on the way could have added it.
func ParseResponse(der []byte) (*Response, error) {
	if len(der) > MaxResponseSize {
		return nil, Refuse(ReasonTooLarge, "response of %d octets, at most %d are read", len(der), MaxResponseSize)
	}
	r := &Response{Raw: bytes.Clone(der)}
	input, outer := cryptobyte.String(r.Raw), cryptobyte.String(nil)
	var status int
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Enum(&status) {
		return nil, Refuse(ReasonMalformed, "not a DER encoded OCSP response")
	}
	if status < 0 || status > 255 || !ResponseStatus(status).known() {
		return nil, Refuse(ReasonMalformed, "unknown response status %d", status)
	}
	r.ResponseStatus = ResponseStatus(status)
	if r.ResponseStatus == Successful {
		if err := r.readBytes(outer); err != nil {
			return nil, err
		}
		return r, nil
	}
	if !outer.Empty() {
		return nil, Refuse(ReasonMalformed, "response status %s with something behind it", r.ResponseStatus)
	}
	return r, nil
}

// readBytes reads [0] EXPLICIT ResponseBytes.
func (r *Response) readBytes(s cryptobyte.String) error {
	var outer, body, basic cryptobyte.String
	var kind asn1.ObjectIdentifier
	ok := s.ReadASN1(&outer, explicit(0)) && s.Empty() && outer.ReadASN1(&body, cbasn1.SEQUENCE) && outer.Empty() &&
		body.ReadASN1ObjectIdentifier(&kind) && body.ReadASN1(&basic, cbasn1.OCTET_STRING) && body.Empty()
	if !ok {
		return Refuse(ReasonMalformed, "a successful response without readable response bytes")
	}
	if !kind.Equal(oidBasicResponse) {
		return Refuse(ReasonMalformed, "response of type %s, only basic responses are supported", kind)
	}
	return r.readBasic(basic)
}

func (r *Response) readBasic(s cryptobyte.String) error {
	var body, tbs, element, params cryptobyte.String
	if !s.ReadASN1(&body, cbasn1.SEQUENCE) || !s.Empty() || !body.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return Refuse(ReasonMalformed, "unreadable basic response")
	}
	r.RawTBS = element
	if !readAlgorithm(&body, &r.SignatureOID, &params) || !body.ReadASN1BitStringAsBytes(&r.Signature) {
		return Refuse(ReasonMalformed, "unreadable signature of the response")
	}
	r.SignatureAlgorithm, r.saltLength = signatureAlgorithm(r.SignatureOID, params)
	if err := r.readCertificates(&body); err != nil {
		return err
	}
	if !body.Empty() {
		return Refuse(ReasonMalformed, "a basic response with something behind it")
	}
	if !element.ReadASN1(&tbs, cbasn1.SEQUENCE) || !r.readTBS(tbs) {
		return Refuse(ReasonMalformed, "unreadable response data")
	}
	return nil
}

func (r *Response) readCertificates(s *cryptobyte.String) error {
	var outer, list cryptobyte.String
	var present bool
	ok := s.ReadOptionalASN1(&outer, &present, explicit(0))
	if ok && !present {
		return nil
	}
	if !ok || !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty() {
		return Refuse(ReasonMalformed, "unreadable embedded certificates")
	}
	for !list.Empty() {
		var element cryptobyte.String
		if len(r.Certificates) == maxCertificates || !list.ReadASN1Element(&element, cbasn1.SEQUENCE) {
			return Refuse(ReasonMalformed, "unreadable, or more than %d, embedded certificates", maxCertificates)
		}
		cert, err := x509.ParseCertificate(element)
		if err != nil {
			return Refuse(ReasonMalformed, "embedded certificate %d: %w", len(r.Certificates)+1, err)
		}
		r.Certificates = append(r.Certificates, cert)
	}
	return nil
}

func (r *Response) readTBS(s cryptobyte.String) bool {
	var list cryptobyte.String
	if !readVersion(&s) || !r.ResponderID.read(&s) || !readTime(&s, &r.ProducedAt) || !s.ReadASN1(&list, cbasn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		single, ok := readSingle(&list)
		if !ok {
			return false
		}
		r.Singles = append(r.Singles, single)
	}
	extensions, ok := readExtensions(&s, 1)
	r.Nonce, r.Extensions = readNonce(extensions)
	return ok && s.Empty()
}

// readNonce takes the nonce from a response's extensions. One that nobody
// asked for must not harm (RFC 9919 §4), so its form is not insisted on.
func readNonce(extensions []pkix.Extension) ([]byte, []pkix.Extension) {
	extension, rest := takeExtension(extensions, oidNonce)
	if extension == nil {
		return nil, rest
	}
	value, nonce := cryptobyte.String(extension.Value), []byte(nil)
	if value.ReadASN1Bytes(&nonce, cbasn1.OCTET_STRING) && value.Empty() {
		return nonce, rest
	}
	return extension.Value, rest
}
