package ocspsvc

import "fmt"

// Status is what a single response says about a certificate (RFC 6960 §2.2).
// The zero value means that nothing has been said; it prints as "".
type Status uint8

// The three certificate statuses.
const (
	Good Status = iota + 1
	Revoked
	Unknown
)

// String returns "good", "revoked" or "unknown", and "" for the zero value.
func (s Status) String() string {
	switch s {
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	case Unknown:
		return "unknown"
	}
	return ""
}

// MarshalText returns the same word as String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts the words String returns.
func (s *Status) UnmarshalText(text []byte) error {
	for _, known := range []Status{0, Good, Revoked, Unknown} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("unknown certificate status %q", text)
}

// reason is the word under which a verified status is reported.
func (s Status) reason() Reason { return Reason(s.String()) }

// pessimism orders statuses for the case that a response says several things
// about one certificate: the highest counts.
func (s Status) pessimism() int {
	switch s {
	case Revoked:
		return 3
	case Unknown:
		return 2
	case Good:
		return 1
	}
	return 0
}

// ResponseStatus is the outcome of a request as a whole (RFC 6960 §4.2.1).
// Only a Successful response says anything about certificates.
type ResponseStatus uint8

// The response statuses; 4 is not used by the RFC.
const (
	Successful       ResponseStatus = 0
	MalformedRequest ResponseStatus = 1
	InternalError    ResponseStatus = 2
	TryLater         ResponseStatus = 3
	SigRequired      ResponseStatus = 5
	Unauthorized     ResponseStatus = 6
)

// String returns the RFC's name of the status, such as "tryLater".
func (s ResponseStatus) String() string {
	switch s {
	case Successful:
		return "successful"
	case MalformedRequest:
		return "malformedRequest"
	case InternalError:
		return "internalError"
	case TryLater:
		return "tryLater"
	case SigRequired:
		return "sigRequired"
	case Unauthorized:
		return "unauthorized"
	}
	return fmt.Sprintf("responseStatus(%d)", uint8(s))
}

func (s ResponseStatus) known() bool { return s <= TryLater || s == SigRequired || s == Unauthorized }

// RevocationReason is a CRLReason (RFC 5280 §5.3.1). The zero value,
// unspecified, is also what a response without a reason means.
type RevocationReason int

// The revocation reasons; 7 is not used by the RFC.
const (
	Unspecified          RevocationReason = 0
	KeyCompromise        RevocationReason = 1
	CACompromise         RevocationReason = 2
	AffiliationChanged   RevocationReason = 3
	Superseded           RevocationReason = 4
	CessationOfOperation RevocationReason = 5
	CertificateHold      RevocationReason = 6
	RemoveFromCRL        RevocationReason = 8
	PrivilegeWithdrawn   RevocationReason = 9
	AACompromise         RevocationReason = 10
)

// revocationReasons are the RFC's names, by value.
var revocationReasons = [...]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
	AffiliationChanged: "affiliationChanged", Superseded: "superseded", CessationOfOperation: "cessationOfOperation",
	CertificateHold: "certificateHold", RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn",
	AACompromise: "aACompromise",
}

// String returns the RFC's name of the reason, such as "keyCompromise".
func (r RevocationReason) String() string {
	if r >= 0 && int(r) < len(revocationReasons) && revocationReasons[r] != "" {
		return revocationReasons[r]
	}
	return fmt.Sprintf("reason(%d)", int(r))
}

// ParseRevocationReason returns the reason with that name of the RFC.
func ParseRevocationReason(name string) (RevocationReason, error) {
	for r, known := range revocationReasons {
		if known != "" && known == name {
			return RevocationReason(r), nil
		}
	}
	return 0, fmt.Errorf("unknown revocation reason %q", name)
}
