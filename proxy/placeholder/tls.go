package placeholder

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"strconv"
	"strings"
)

func tlsVersion(r *http.Request) string {
	if r.TLS == nil {
		return ""
	}
	return strings.ToLower(strings.ReplaceAll(tls.VersionName(r.TLS.Version), "TLS 1.", "tls1."))
}

func tlsCipher(r *http.Request) string {
	if r.TLS == nil {
		return ""
	}
	return tls.CipherSuiteName(r.TLS.CipherSuite)
}

func tlsResumed(r *http.Request) string {
	if r.TLS == nil {
		return ""
	}
	return strconv.FormatBool(r.TLS.DidResume)
}

func tlsProto(r *http.Request) string {
	if r.TLS == nil {
		return ""
	}
	return r.TLS.NegotiatedProtocol
}

func tlsServerName(r *http.Request) string {
	if r.TLS == nil {
		return ""
	}
	return r.TLS.ServerName
}

// ofClient is a value of the client's certificate, empty if it sent none.
func ofClient(value func(*x509.Certificate) string) value {
	return func(r *http.Request) string {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return ""
		}
		return value(r.TLS.PeerCertificates[0])
	}
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func publicKeyHash(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func publicKey(c *x509.Certificate) string         { return hex.EncodeToString(c.RawSubjectPublicKeyInfo) }
func subject(c *x509.Certificate) string           { return c.Subject.String() }
func issuer(c *x509.Certificate) string            { return c.Issuer.String() }
func serial(c *x509.Certificate) string            { return c.SerialNumber.String() }
func certificateBase64(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

func certificatePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// ofClientNames finds one of the client certificate's alternative names.
func ofClientNames(full string) value {
	if i, ok := number(full, "http.request.tls.client.san.dns_names."); ok {
		return ofClient(func(c *x509.Certificate) string { return at(c.DNSNames, i) })
	}
	if i, ok := number(full, "http.request.tls.client.san.emails."); ok {
		return ofClient(func(c *x509.Certificate) string { return at(c.EmailAddresses, i) })
	}
	if i, ok := number(full, "http.request.tls.client.san.ips."); ok {
		return ofClient(func(c *x509.Certificate) string {
			if i < len(c.IPAddresses) {
				return c.IPAddresses[i].String()
			}
			return ""
		})
	}
	if i, ok := number(full, "http.request.tls.client.san.uris."); ok {
		return ofClient(func(c *x509.Certificate) string {
			if i < len(c.URIs) {
				return c.URIs[i].String()
			}
			return ""
		})
	}
	return nil
}

func at(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return ""
}
