package crl

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
)

// Extensions of lists (RFC 5280 §5.2).
var (
	oidIssuerAltName   = asn1.ObjectIdentifier{2, 5, 29, 18}
	oidCRLNumber       = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidDeltaIndicator  = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidIssuingPoint    = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidAuthorityKeyID  = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidFreshestCRL     = asn1.ObjectIdentifier{2, 5, 29, 46}
	oidAuthorityAccess = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}
)

var understood = []asn1.ObjectIdentifier{
	oidIssuerAltName, oidCRLNumber, oidAuthorityKeyID, oidFreshestCRL, oidAuthorityAccess,
}

// scope is which certificates of its issuer a list is about: the issuing
// distribution point (RFC 5280 §5.2.5). The zero scope is all of them.
type scope struct {
	names       []string // GeneralNames in DER, of which the certificate needs one; nil: any will do
	someReasons bool
}

// covers reports whether a certificate with these distribution point names is
// in scope (RFC 5280 §6.3.3 (b)(2)(i)).
func (s scope) covers(names []string) bool {
	return s.names == nil || slices.ContainsFunc(s.names, func(name string) bool { return slices.Contains(names, name) })
}

// readScope reads what the extensions of a list say about its scope, and
// refuses those that must not be ignored (RFC 5280 §5.2).
func readScope(extensions []pkix.Extension) (scope, error) {
	var s scope
	for _, e := range extensions {
		switch {
		case e.Id.Equal(oidDeltaIndicator):
			return s, ocspsvc.Refuse(ocspsvc.ReasonCriticalExtension, "a delta CRL, which says only what has changed")
		case e.Id.Equal(oidIssuingPoint):
			if err := s.read(e.Value); err != nil {
				return s, err
			}
		case e.Critical && !slices.ContainsFunc(understood, e.Id.Equal):
			return s, ocspsvc.Refuse(ocspsvc.ReasonCriticalExtension, "the list has the unknown critical extension %s", e.Id)
		}
	}
	return s, nil
}

// read reads an IssuingDistributionPoint.
func (s *scope) read(der []byte) error {
	input, body, reasons := cryptobyte.String(der), cryptobyte.String(nil), cryptobyte.String(nil)
	var userOnly, caOnly, indirect, attributesOnly, named bool
	var name cryptobyte.String
	ok := input.ReadASN1(&body, cbasn1.SEQUENCE) && input.Empty() &&
		body.ReadOptionalASN1(&name, &named, explicit0) &&
		readFlag(&body, 1, &userOnly) && readFlag(&body, 2, &caOnly) &&
		body.ReadOptionalASN1(&reasons, &s.someReasons, cbasn1.Tag(3).ContextSpecific()) &&
		readFlag(&body, 4, &indirect) && readFlag(&body, 5, &attributesOnly) && body.Empty()
	switch {
	case !ok:
		return errIssuingPoint
	case indirect:
		return ocspsvc.Refuse(ocspsvc.ReasonCriticalExtension, "an indirect CRL, which is also about certificates of other issuers")
	case caOnly:
		return ocspsvc.Refuse(ocspsvc.ReasonWrongCertificate, "the list is about CA certificates only")
	case attributesOnly:
		return ocspsvc.Refuse(ocspsvc.ReasonWrongCertificate, "the list is about attribute certificates only")
	case named:
		return s.readName(name)
	}
	return nil
}

var errIssuingPoint = ocspsvc.Refuse(ocspsvc.ReasonMalformed, "the issuing distribution point cannot be read")

func (s *scope) readName(name cryptobyte.String) error {
	names, full, ok := readPointName(name)
	switch {
	case !ok:
		return errIssuingPoint
	case !full:
		return ocspsvc.Refuse(ocspsvc.ReasonWrongCertificate, "the distribution point is named relative to its issuer")
	}
	s.names = names
	return nil
}

// readFlag reads [tag] IMPLICIT BOOLEAN DEFAULT FALSE.
func readFlag(s *cryptobyte.String, tag uint8, out *bool) bool {
	var value cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&value, &present, cbasn1.Tag(tag).ContextSpecific()) {
		return false
	}
	if !present {
		return true
	}
	*out = len(value) == 1 && value[0] == 0xff
	return len(value) == 1 && (value[0] == 0xff || value[0] == 0)
}

// readPointName reads a DistributionPointName: full names, each as its DER, or
// one relative to the CRL's issuer (full is false), which hardly anybody uses.
func readPointName(name cryptobyte.String) (names []string, full, ok bool) {
	if name.PeekASN1Tag(cbasn1.Tag(1).ContextSpecific().Constructed()) {
		return nil, false, true
	}
	var list cryptobyte.String
	if !name.ReadASN1(&list, explicit0) || !name.Empty() || list.Empty() {
		return nil, true, false
	}
	for !list.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !list.ReadAnyASN1Element(&one, &tag) {
			return nil, true, false
		}
		names = append(names, string(one))
	}
	return names, true, true
}
