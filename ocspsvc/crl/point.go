package crl

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// oidPoints are cRLDistributionPoints (RFC 5280 §4.2.1.13).
var oidPoints = asn1.ObjectIdentifier{2, 5, 29, 31}

// maxURLs bounds the URLs of one certificate.
const maxURLs = 8

// points is where a certificate's CRLs are.
type points struct {
	urls  []string // over http and https, in order
	names []string // every name of its distribution points, as its DER
}

// pointsExtension is the extension's value, or nil.
func pointsExtension(leaf *x509.Certificate) []byte {
	for _, e := range leaf.Extensions {
		if e.Id.Equal(oidPoints) {
			return e.Value
		}
	}
	return nil
}

// readPoints reads what can be used of a leaf's distribution points. Those with
// a CRL issuer of their own have indirect CRLs, which are not believed; ldap
// and names relative to the issuer lead nowhere.
func readPoints(leaf *x509.Certificate) (p points, ok bool) {
	value := pointsExtension(leaf)
	if value == nil {
		return p, true
	}
	input, list := cryptobyte.String(value), cryptobyte.String(nil)
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !input.Empty() {
		return p, false
	}
	for !list.Empty() {
		if !p.read(&list, leaf.RawIssuer) {
			return p, false
		}
	}
	return p, true
}

// read reads one DistributionPoint. For which reasons its CRLs are, they say
// themselves.
func (p *points) read(list *cryptobyte.String, issuer []byte) bool {
	var point, name, crlIssuer cryptobyte.String
	var named, elsewhere bool
	ok := list.ReadASN1(&point, cbasn1.SEQUENCE) && point.ReadOptionalASN1(&name, &named, explicit0) &&
		point.SkipOptionalASN1(cbasn1.Tag(1).ContextSpecific()) &&
		point.ReadOptionalASN1(&crlIssuer, &elsewhere, cbasn1.Tag(2).ContextSpecific().Constructed()) && point.Empty()
	if !ok || !named {
		return ok
	}
	names, _, ok := readPointName(name)
	if !ok || elsewhere && !isDirectoryName(crlIssuer, issuer) {
		return ok
	}
	p.names = append(p.names, names...)
	for _, name := range names {
		p.addURL(name)
	}
	return true
}

// isDirectoryName reports whether GeneralNames are the one directoryName given,
// which a CA has no need to write if it is its own, and some do.
func isDirectoryName(names cryptobyte.String, want []byte) bool {
	var name cryptobyte.String
	return names.ReadASN1(&name, cbasn1.Tag(4).ContextSpecific().Constructed()) && names.Empty() && bytes.Equal(name, want)
}

// addURL adds the URL that a GeneralName is, if it is one that can be fetched.
func (p *points) addURL(name string) {
	der, url := cryptobyte.String(name), cryptobyte.String(nil)
	if !der.ReadASN1(&url, cbasn1.Tag(6).ContextSpecific()) || len(p.urls) == maxURLs {
		return
	}
	scheme, _, _ := strings.Cut(strings.ToLower(string(url)), "://")
	if (scheme == "http" || scheme == "https") && !slices.Contains(p.urls, string(url)) {
		p.urls = append(p.urls, string(url))
	}
}
