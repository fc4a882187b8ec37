package tlsstore

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxBlocks bounds how many PEM blocks are looked at. A chain has two to five.
const maxBlocks = 100

var (
	begin         = []byte("-----BEGIN ")  // of a PEM block (RFC 7468 §3)
	byteOrderMark = []byte("\xef\xbb\xbf") // some editors put it before the first block
)

// pemBlocks returns the blocks of a PEM text. Text around them is passed over, as it should
// be (RFC 7468 §2), but a block that begins and cannot be read is an error: encoding/pem
// would pass over that too, and a half-written chain would look like a shorter one. A DER
// file is answered with the command that converts it.
func pemBlocks(data []byte, convert string) ([]*pem.Block, error) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	begun := count(data)
	if begun > maxBlocks {
		return nil, fmt.Errorf("it has %d PEM blocks, over the limit of %d", begun, maxBlocks)
	}
	var blocks []*pem.Block
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block)
	}
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errors.New("it is empty")
	case begun > len(blocks):
		return nil, fmt.Errorf("it has %d PEM blocks of which %d are damaged or cut off; write it again", begun, begun-len(blocks))
	case len(blocks) == 0 && isPKCS12(data):
		return nil, errors.New("it is a PKCS#12 archive; take out what is in it: openssl pkcs12 -in FILE -nodes -out FILE.pem, which is CERT and KEY in one")
	case len(blocks) == 0 && data[0] == 0x30: // a DER SEQUENCE
		return nil, errors.New("it is not PEM but looks like DER; convert it: " + convert)
	case len(blocks) == 0:
		return nil, errors.New("it is not PEM: no line in it starts with -----BEGIN")
	}
	return blocks, nil
}

// isPKCS12 tells an archive (RFC 7292 §4) from other DER by its version.
func isPKCS12(der []byte) bool {
	var pfx struct {
		Version  int
		AuthSafe asn1.RawValue
		MACData  asn1.RawValue `asn1:"optional"`
	}
	_, err := asn1.Unmarshal(der, &pfx)
	return err == nil && pfx.Version == 3
}

// count returns how many lines of data begin a block; the last may do so only in part.
func count(data []byte) int {
	n := bytes.Count(data, slices.Concat([]byte{'\n'}, begin))
	if bytes.HasPrefix(data, begin) {
		n++
	}
	last := data[bytes.LastIndexByte(data, '\n')+1:]
	if len(last) > 0 && len(last) < len(begin) && bytes.HasPrefix(begin, last) {
		n++
	}
	return n
}

// parseCertificates returns the certificates of a PEM text in its order, each once; at least
// one. Other blocks, such as a private key, are passed over.
func parseCertificates(data []byte) ([]*x509.Certificate, error) {
	blocks, err := pemBlocks(data, "openssl x509 -inform DER -in FILE -out FILE.pem")
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for i, block := range blocks {
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("block %d is not a certificate: %w", i+1, err)
		}
		if !slices.ContainsFunc(certs, cert.Equal) {
			certs = append(certs, cert)
		}
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("no certificate in it (PEM block CERTIFICATE), only %s", kinds(blocks))
	}
	return certs, nil
}

// kinds names the labels of blocks for an error.
func kinds(blocks []*pem.Block) string {
	var labels []string
	for _, block := range blocks {
		labels = append(labels, block.Type)
	}
	return strings.Join(labels, ", ")
}
