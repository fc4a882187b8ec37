package ocsptest

import "dwaar/ocspsvc"

// Fault is what a Responder does instead of answering well. Some are no
// faults but rare ways of being right, such as DelegateSecond; Reason tells.
type Fault string

// What a responder may answer, by what the answer says or how it is signed.
const (
	Good    Fault = "good"
	Revoked Fault = "revoked" // at Settings.RevokedAt for keyCompromise
	OnHold  Fault = "revoked with certificateHold"
	Unknown Fault = "unknown"

	NotIssued Fault = "extended revoke" // RFC 6960 §4.4.8: on hold since 1970

	MalformedRequest Fault = "malformedRequest"
	InternalError    Fault = "internalError"
	TryLater         Fault = "tryLater"
	SigRequired      Fault = "sigRequired"
	Unauthorized     Fault = "unauthorized"

	WrongSerial Fault = "another serial"
	WrongIssuer Fault = "same serial of another issuer" // whose name is the same, and who signs

	ByName           Fault = "ResponderID by name"
	ByKey            Fault = "ResponderID by key"
	WrongResponderID Fault = "ResponderID of somebody else"
	EmbeddedIssuer   Fault = "issuer embedded"
	Delegated        Fault = "delegate"
	DelegateSecond   Fault = "delegate second in certs"
	DelegateNoCheck  Fault = "delegate without nocheck"
	DelegateNoEKU    Fault = "delegate without OCSPSigning"
	DelegateAnyEKU   Fault = "delegate with anyExtendedKeyUsage"
	DelegateKeyUsage Fault = "delegate for key agreement only"
	DelegateCritical Fault = "delegate with an unknown critical extension"
	DelegateExpired  Fault = "delegate expired"
	DelegateFuture   Fault = "delegate not yet valid"
	DelegateForeign  Fault = "delegate of another CA with the same name"
	DelegateNested   Fault = "delegate of the root"
	DelegateMissing  Fault = "delegate not embedded"
	WrongSigner      Fault = "signed by a stranger"
	TwinSigner       Fault = "signed by another CA with the same name"
	LeafSigner       Fault = "signed by another leaf of the CA"
	SelfSigner       Fault = "signed by the leaf itself" // see Responder.UseLeaf
	BadSignature     Fault = "signature changed"
	ChangedContent   Fault = "content changed after signing"
	SHA1Signature    Fault = "signature by SHA-1" // needs a CA with an RSA or ECDSA key

	NoNextUpdate      Fault = "no nextUpdate"
	Expired           Fault = "nextUpdate passed"
	Old               Fault = "thisUpdate 30 days ago" // and nextUpdate ahead
	NearFuture        Fault = "thisUpdate in four minutes"
	Future            Fault = "thisUpdate in an hour"
	Backwards         Fault = "nextUpdate before thisUpdate"
	ProducedInFuture  Fault = "producedAt in an hour"
	ProducedTooEarly  Fault = "producedAt before the leaf existed"
	GoodAndRevoked    Fault = "good and then revoked"
	GoodAndUnknown    Fault = "good and then unknown"
	SeveralSingles    Fault = "among other certificates"
	NoSingles         Fault = "about no certificate"
	CriticalResponse  Fault = "unknown critical extension of the response"
	CriticalSingle    Fault = "unknown critical extension of the single response"
	NonCritical       Fault = "unknown extensions that are not critical"
	CriticalSCTs      Fault = "critical SCT list"
	NonceMismatch     Fault = "another nonce"
	NonceOmitted      Fault = "no nonce"
	NonceUnasked      Fault = "a nonce nobody asked for"
	TrailingByte      Fault = "one octet too many"
	Truncated         Fault = "last octet missing"
	Garbage           Fault = "garbage"
	Empty             Fault = "empty body"
	HTML              Fault = "a web page"
	Oversize          Fault = "over the limit"
	OversizeChunked   Fault = "over the limit, chunked"
	Chunked           Fault = "chunked"
	HTTP404           Fault = "HTTP 404"
	HTTP500           Fault = "HTTP 500"
	HTTP503           Fault = "HTTP 503"
	Redirect          Fault = "HTTP 302" // to Settings.Location, or for ever to itself
	Hang              Fault = "accepts and never answers"
	HangAfterHeader   Fault = "header and no body"
	SlowDrip          Fault = "an octet at a time"
	SlowDripForever   Fault = "an octet at a time for ever"
	ConnectionDropped Fault = "connection dropped"
)

// Faults returns every one, in the order above.
func Faults() []Fault {
	return []Fault{
		Good, Revoked, OnHold, Unknown, NotIssued,
		MalformedRequest, InternalError, TryLater, SigRequired, Unauthorized, WrongSerial, WrongIssuer,
		ByName, ByKey, WrongResponderID, EmbeddedIssuer, Delegated, DelegateSecond, DelegateNoCheck, DelegateNoEKU,
		DelegateAnyEKU, DelegateKeyUsage, DelegateCritical, DelegateExpired, DelegateFuture, DelegateForeign,
		DelegateNested, DelegateMissing, WrongSigner, TwinSigner, LeafSigner, SelfSigner, BadSignature, ChangedContent, SHA1Signature,
		NoNextUpdate, Expired, Old, NearFuture, Future, Backwards, ProducedInFuture, ProducedTooEarly,
		GoodAndRevoked, GoodAndUnknown, SeveralSingles, NoSingles, CriticalResponse, CriticalSingle, NonCritical,
		CriticalSCTs, NonceMismatch, NonceOmitted, NonceUnasked, TrailingByte, Truncated, Garbage, Empty, HTML,
		Oversize, OversizeChunked, Chunked, HTTP404, HTTP500, HTTP503, Redirect,
		Hang, HangAfterHeader, SlowDrip, SlowDripForever, ConnectionDropped,
	}
}

// Reason is the word a client has to report for the fault: one that verifies
// with a nonce sent, a MaxAge of 10 days and a required nextUpdate. SlowDrip
// counts as finished in time.
func (f Fault) Reason() ocspsvc.Reason {
	switch f {
	case Revoked, OnHold, NotIssued, GoodAndRevoked:
		return ocspsvc.ReasonRevoked
	case Unknown, GoodAndUnknown:
		return ocspsvc.ReasonUnknown
	case MalformedRequest, InternalError, TryLater, SigRequired, Unauthorized:
		return ocspsvc.ReasonResponderError
	case WrongSerial, WrongIssuer, NoSingles, NonceMismatch:
		return ocspsvc.ReasonWrongCertificate
	case WrongResponderID, DelegateNoEKU, DelegateAnyEKU, DelegateKeyUsage, DelegateForeign, DelegateNested,
		DelegateMissing, WrongSigner, LeafSigner, SelfSigner:
		return ocspsvc.ReasonUnauthorizedSigner
	case BadSignature, ChangedContent, SHA1Signature, TwinSigner:
		return ocspsvc.ReasonBadSignature
	case Expired, DelegateExpired:
		return ocspsvc.ReasonExpired
	case Future, DelegateFuture, ProducedInFuture, ProducedTooEarly:
		return ocspsvc.ReasonNotYetValid
	}
	return f.otherReason()
}

func (f Fault) otherReason() ocspsvc.Reason {
	switch f {
	case NoNextUpdate:
		return ocspsvc.ReasonNoNextUpdate
	case Old:
		return ocspsvc.ReasonTooOld
	case CriticalResponse, CriticalSingle, DelegateCritical:
		return ocspsvc.ReasonCriticalExtension
	case Backwards, TrailingByte, Truncated, Garbage, Empty, HTML:
		return ocspsvc.ReasonMalformed
	case Oversize, OversizeChunked:
		return ocspsvc.ReasonTooLarge
	case HTTP404, HTTP500, HTTP503, Redirect:
		return ocspsvc.ReasonHTTPError
	case Hang, HangAfterHeader, SlowDripForever:
		return ocspsvc.ReasonTimeout
	case ConnectionDropped:
		return ocspsvc.ReasonUnreachable
	}
	return ocspsvc.ReasonGood
}

// OverHTTP reports whether the fault lies below OCSP, so that Responder.DER
// has no bytes for it.
func (f Fault) OverHTTP() bool {
	switch f {
	case HTTP404, HTTP500, HTTP503, Redirect, Hang, HangAfterHeader, SlowDripForever, ConnectionDropped:
		return true
	}
	return false
}
