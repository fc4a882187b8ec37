package certdb

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// Of returns a certificate as one that was issued and is good.
func Of(cert *x509.Certificate) Certificate {
	return Certificate{
		Serial: cert.SerialNumber, Subject: oneLine(cert.RawSubject),
		Record: responder.Record{Status: ocspsvc.Good, Expires: cert.NotAfter.UTC()},
	}
}

// oneLine is a name as openssl writes it in an index.txt: /C=NL/CN=a.example.
func oneLine(der []byte) string {
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &name); err != nil {
		return ""
	}
	var b strings.Builder
	for _, set := range name {
		for i, attribute := range set {
			between := "/"
			if i > 0 {
				between = "+"
			}
			fmt.Fprintf(&b, "%s%s=%s", between, attributeName(attribute.Type), printable(fmt.Sprint(attribute.Value)))
		}
	}
	return b.String()
}

// attributeNames are the short names that openssl has for parts of a name.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN", "2.5.4.46": "dnQualifier", "2.5.4.97": "organizationIdentifier",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
}

func attributeName(oid asn1.ObjectIdentifier) string {
	if name, ok := attributeNames[oid.String()]; ok {
		return name
	}
	return oid.String()
}

// printable writes what would break a line of a file or of a terminal as \x…,
// octet by octet, as openssl does.
func printable(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c == 0x7f {
			fmt.Fprintf(&b, `\x%02X`, c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
