package ocspsvc

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// ExtendedRevoke is the response extension that goes with `revoked` for a
// certificate that was never issued (RFC 6960 §4.4.8).
func ExtendedRevoke() pkix.Extension {
	return pkix.Extension{Id: oidExtendedRevoke, Value: asn1.NullBytes}
}

// ArchiveCutoff is the single extension that says since when expired
// certificates are answered for (RFC 6960 §4.4.4).
func ArchiveCutoff(since time.Time) pkix.Extension {
	var b cryptobyte.Builder
	addTime(&b, since)
	return pkix.Extension{Id: oidArchiveCutoff, Value: b.BytesOrPanic()}
}

// HasNoCheck reports whether a delegate says that its own revocation need not
// be checked (RFC 6960 §4.2.2.2.1).
func HasNoCheck(delegate *x509.Certificate) bool {
	return findExtension(delegate.Extensions, oidNoCheck) != nil
}
