// Package client connects to dwaar the way its users' clients do: Go, openssl
// s_client, curl and gnutls-cli.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Handshake is what one full TLS handshake showed.
type Handshake struct {
	Leaf    *x509.Certificate
	Issuer  *x509.Certificate // of the verified chain; nil if the chain was not verified
	Staple  []byte            // nil if there was none
	Version uint16
	Begun   time.Time
	Took    time.Duration // of the handshake alone, without connecting
}

// Target is where and how to connect.
type Target struct {
	Addr    string
	Name    string         // SNI
	Roots   *x509.CertPool // nil: the chain is not verified
	Version uint16         // the only version offered; 0: any
	Config  func(*tls.Config)
}

// Do connects, shakes hands and hangs up.
func (c Target) Do() (Handshake, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp4", c.Addr)
	if err != nil {
		return Handshake{}, err
	}
	defer raw.Close()
	conn := tls.Client(raw, c.config())
	begin := time.Now()
	if err := conn.HandshakeContext(ctx); err != nil {
		return Handshake{}, fmt.Errorf("handshake with %q: %w", c.Name, err)
	}
	h := read(conn.ConnectionState())
	h.Begun, h.Took = begin, time.Since(begin)
	_ = conn.Close()
	return h, nil
}

func (c Target) config() *tls.Config {
	config := &tls.Config{
		ServerName: c.Name, RootCAs: c.Roots, InsecureSkipVerify: c.Roots == nil,
		MinVersion: c.Version, MaxVersion: c.Version,
	}
	if c.Config != nil {
		c.Config(config)
	}
	return config
}

func read(state tls.ConnectionState) Handshake {
	h := Handshake{Leaf: state.PeerCertificates[0], Staple: state.OCSPResponse, Version: state.Version}
	if len(state.VerifiedChains) > 0 && len(state.VerifiedChains[0]) > 1 {
		h.Issuer = state.VerifiedChains[0][1]
	}
	return h
}

// GoodStaple checks the staple as a strict client would: present, about this very leaf,
// signed by its issuer, good, and valid while the handshake went on.
func (h Handshake) GoodStaple() error {
	if len(h.Staple) == 0 {
		return fmt.Errorf("no staple for serial %x", h.Leaf.SerialNumber)
	}
	r, err := ocsp.ParseResponseForCert(h.Staple, h.Leaf, nil)
	if err == nil {
		err = signedFor(r, h.Issuer)
	}
	if err != nil {
		return fmt.Errorf("staple for serial %x: %w", h.Leaf.SerialNumber, err)
	}
	if r.SerialNumber.Cmp(h.Leaf.SerialNumber) != 0 {
		return fmt.Errorf("staple is for serial %x, the leaf has %x", r.SerialNumber, h.Leaf.SerialNumber)
	}
	if r.Status != ocsp.Good {
		return fmt.Errorf("staple says %d, want good", r.Status)
	}
	if ended := h.Begun.Add(h.Took); ended.Before(r.ThisUpdate) || !h.Begun.Before(r.NextUpdate) {
		return fmt.Errorf("staple holds from %v until %v, the handshake went from %v to %v", r.ThisUpdate, r.NextUpdate, h.Begun, ended)
	}
	return nil
}

// signedFor checks the signature: by issuer, whose certificate may be enclosed, or by a
// delegate of it. (ParseResponse with an issuer refuses an enclosed intermediate.)
func signedFor(r *ocsp.Response, issuer *x509.Certificate) error {
	if r.Certificate == nil || r.Certificate.Equal(issuer) {
		return r.CheckSignatureFrom(issuer)
	}
	if !slices.Contains(r.Certificate.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) {
		return errors.New("signed by a certificate that may not sign responses")
	}
	if err := r.Certificate.CheckSignatureFrom(issuer); err != nil {
		return err
	}
	return r.CheckSignatureFrom(r.Certificate)
}
