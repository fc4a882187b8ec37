package ocspsvc

// Reason is one word for why a certificate has, or has not, a servable OCSP
// response. The words are part of dwaar's contract: they appear in logs, in
// `dwaar status --json` and in verdicts, and never change their meaning.
type Reason string

// The reasons, in the order in which Reasons lists them.
const (
	ReasonGood               Reason = "good"
	ReasonPending            Reason = "pending"
	ReasonDisabled           Reason = "disabled"
	ReasonNoResponder        Reason = "no_responder"
	ReasonNoIssuer           Reason = "no_issuer"
	ReasonSelfSigned         Reason = "self_signed"
	ReasonBlockedAddress     Reason = "blocked_address"
	ReasonUnreachable        Reason = "unreachable"
	ReasonTimeout            Reason = "timeout"
	ReasonHTTPError          Reason = "http_error"
	ReasonResponderError     Reason = "responder_error"
	ReasonMalformed          Reason = "malformed"
	ReasonBadSignature       Reason = "bad_signature"
	ReasonUnauthorizedSigner Reason = "unauthorized_signer"
	ReasonWrongCertificate   Reason = "wrong_certificate"
	ReasonNotYetValid        Reason = "not_yet_valid"
	ReasonExpired            Reason = "expired"
	ReasonTooOld             Reason = "too_old"
	ReasonNoNextUpdate       Reason = "no_next_update"
	ReasonCriticalExtension  Reason = "critical_extension"
	ReasonTooLarge           Reason = "too_large"
	ReasonRevoked            Reason = "revoked"
	ReasonUnknown            Reason = "unknown"
	ReasonStoreError         Reason = "store_error"
)

// Reasons returns every reason word, in the contract's order.
func Reasons() []Reason {
	return []Reason{
		ReasonGood, ReasonPending, ReasonDisabled, ReasonNoResponder, ReasonNoIssuer, ReasonSelfSigned,
		ReasonBlockedAddress, ReasonUnreachable, ReasonTimeout, ReasonHTTPError, ReasonResponderError,
		ReasonMalformed, ReasonBadSignature, ReasonUnauthorizedSigner, ReasonWrongCertificate,
		ReasonNotYetValid, ReasonExpired, ReasonTooOld, ReasonNoNextUpdate, ReasonCriticalExtension,
		ReasonTooLarge, ReasonRevoked, ReasonUnknown, ReasonStoreError,
	}
}

// Explain says in one sentence what the word means and what to do about it.
// It is empty for a word that is not on the list.
func (r Reason) Explain() string {
	switch r {
	case ReasonGood:
		return "The responder says good and everything about its answer checks out; there is nothing to do."
	case ReasonPending:
		return "No answer has been asked for yet; wait for the first refresh, or run `dwaar ocsp refresh`."
	case ReasonDisabled:
		return "Stapling is switched off for this certificate; remove `ocsp off` from its tls block to have it."
	case ReasonNoResponder:
		return "The certificate names no OCSP responder, or declares that none exists (RFC 9608), as is usual for many public CAs since 2025; nothing to do, unless a responder exists that `responder` in the ocsp options should name."
	case ReasonNoIssuer:
		return "The issuer's certificate is neither in the chain file nor to be had from the leaf's caIssuers address; append it to the chain file."
	case ReasonSelfSigned:
		return "The certificate signed itself, so nobody can vouch for its status; nothing to do."
	case ReasonBlockedAddress:
		return "The responder's address is one dwaar does not dial unasked (loopback, private, metadata, …); if that is where your CA lives, add the network or host to `allow` in the ocsp options."
	case ReasonUnreachable:
		return "No connection to the responder could be made; check its name, address and the firewall between."
	case ReasonTimeout:
		return "The responder did not finish its answer in time; check its load, or raise `timeout` in the ocsp options."
	case ReasonHTTPError:
		return "The responder answered with an HTTP status other than 200, or redirected too often; ask its operator."
	case ReasonResponderError:
		return "The responder answered with an OCSP error (tryLater, unauthorized, …) instead of a status; ask the CA if it persists."
	case ReasonMalformed:
		return "The answer is not a DER encoded basic OCSP response, or holds something that clients of a staple could not read; check that the URL is a responder's and that no proxy replaces its answers."
	case ReasonBadSignature:
		return "The signature of the answer does not verify, or uses an algorithm that proves nothing any more (MD5, SHA-1); report it to the CA."
	case ReasonUnauthorizedSigner:
		return "The answer is signed by somebody whom the issuer did not authorise for OCSP (RFC 6960 section 4.2.2.2); report it to the CA."
	case ReasonWrongCertificate:
		return "The answer is about another certificate, another issuer or another request; check that the URL is the responder of this CA."
	case ReasonNotYetValid:
		return "The answer, or the certificate that signed it, is not valid yet; check the clocks of this machine and of the responder."
	case ReasonExpired:
		return "The answer is past its nextUpdate, or the certificate itself or the one that signed the answer has expired; check this machine's clock and whether the responder still updates."
	case ReasonTooOld:
		return "The answer is older than the configured `max_age`, or than one that dwaar has already; check whether the responder still updates."
	case ReasonNoNextUpdate:
		return "The answer has no nextUpdate, so nothing says when it ends; have the responder set it, or use `require_next_update off`."
	case ReasonCriticalExtension:
		return "The answer has a critical extension that dwaar does not know and so must not ignore; report it."
	case ReasonTooLarge:
		return "The answer is over 16,380 bytes, and clients with OpenSSL could not take it in a TLS 1.2 handshake; check that the URL is a responder's."
	case ReasonRevoked:
		return "The CA has revoked the certificate; replace it, with a new key if the key may have leaked."
	case ReasonUnknown:
		return "The responder does not know the certificate; a new certificate may need some minutes, otherwise ask the CA."
	case ReasonStoreError:
		return "The answer could not be written to or read from storage; check the data directory's permissions and free space."
	}
	return ""
}
