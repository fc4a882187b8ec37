package client

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxCertificates bounds how many certificates of a bundle are read.
const maxCertificates = 32

var errNoCertificate = errors.New("neither a certificate in DER or PEM nor a certs-only PKCS#7")

// oidSignedData is id-signedData (RFC 5652 §5.1).
var oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}

// parseCertificates reads what caIssuers URLs and issuer files hold: one
// certificate in DER, any number in PEM, or a certs-only PKCS#7 in either.
// Certificates of a bundle that crypto/x509 cannot read are left out; the
// result has at least one.
func parseCertificates(data []byte) ([]*x509.Certificate, error) {
	ders, err := certificateDERs(data)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	var unreadable error
	for _, der := range ders[:min(len(ders), maxCertificates)] {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			unreadable = err
			continue
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%w: %w", errNoCertificate, unreadable)
	}
	return certs, nil
}

func certificateDERs(data []byte) ([][]byte, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return pemCertificates(data)
	}
	if ders, ok := pkcs7Certificates(data); ok {
		return ders, nil
	}
	return [][]byte{data}, nil
}

func pemCertificates(data []byte) ([][]byte, error) {
	var ders [][]byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
			ders = append(ders, block.Bytes)
		case "PKCS7", "CMS":
			inside, _ := pkcs7Certificates(block.Bytes)
			ders = append(ders, inside...)
		}
	}
	if len(ders) == 0 {
		return nil, errNoCertificate
	}
	return ders, nil
}

// pkcs7Certificates takes the certificates out of a DER encoded SignedData
// (RFC 5652 §5.1), whose signatures, if any, mean nothing here.
func pkcs7Certificates(der []byte) (ders [][]byte, ok bool) {
	input, info, content, signed, certs := cryptobyte.String(der), cryptobyte.String(nil), cryptobyte.String(nil), cryptobyte.String(nil), cryptobyte.String(nil)
	var kind asn1.ObjectIdentifier
	explicit0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	ok = input.ReadASN1(&info, cbasn1.SEQUENCE) && info.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidSignedData) &&
		info.ReadASN1(&content, explicit0) && content.ReadASN1(&signed, cbasn1.SEQUENCE) &&
		signed.SkipASN1(cbasn1.INTEGER) && signed.SkipASN1(cbasn1.SET) && signed.SkipASN1(cbasn1.SEQUENCE) &&
		signed.ReadASN1(&certs, explicit0)
	for ok && !certs.Empty() && len(ders) < maxCertificates {
		var cert cryptobyte.String
		var tag cbasn1.Tag
		ok = certs.ReadAnyASN1Element(&cert, &tag)
		if ok && tag == cbasn1.SEQUENCE {
			ders = append(ders, cert)
		}
	}
	return ders, ok && len(ders) > 0
}
