package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"dwaar/ocspsvc"
)

// What to do about a server that comes to no verdict.
const (
	noHandshake = "No TLS handshake with the server came about; check its name, its port, and whether it serves this name with TLS there."
	badChain    = "A strict client refuses the server's chain, so there is no issuer to believe; check that the server sends the intermediates, or give another --servername or other roots (--ca)."
)

// shaken is what one handshake showed.
type shaken struct {
	address, name string
	version       string
	presented     []*x509.Certificate
	staple        []byte
	roots         *x509.CertPool // nil: the system's
}

// caError is a file of roots that cannot be used: no verdict on the server.
type caError struct{ error }

// shake connects and keeps what was shown. The chain is judged afterwards, so
// that a refused one can be told from a server that cannot be reached.
func (c ocspCheckCmd) shake(ctx context.Context) (*shaken, error) {
	address, name, err := c.hostPort()
	if err != nil {
		return nil, err
	}
	if c.Servername != "" {
		name = c.Servername
	}
	roots, err := c.roots()
	if err != nil {
		return nil, caError{err}
	}
	dialer := tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true}} // verified by judge
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, unreachable(address, err)
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	return &shaken{
		address: address, name: name, version: tls.VersionName(state.Version),
		presented: state.PeerCertificates, staple: state.OCSPResponse, roots: roots,
	}, nil
}

func (c ocspCheckCmd) roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil
	}
	certs, err := readCertificates(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, nil
}

func unreachable(address string, err error) error {
	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return because(ocspsvc.ReasonTimeout, advised{fmt.Errorf("%s did not finish a handshake within %v", address, checkTimeout), noHandshake})
	}
	var lookup *net.DNSError
	if errors.As(err, &lookup) && lookup.IsNotFound {
		err = fmt.Errorf("%w, and no file of that name either", err)
	}
	return because(ocspsvc.ReasonUnreachable, advised{fmt.Errorf("%s: %w", address, err), noHandshake})
}

// judge is a strict client's decision about chain and staple.
func (s *shaken) judge(now time.Time) (ocspsvc.Verdict, error) {
	chains, err := s.verifyChain(now)
	if err != nil {
		err = because(ocspsvc.ReasonNoIssuer, advised{fmt.Errorf("the chain is not valid: %w", err), badChain})
		return ocspsvc.Refusal(err), err
	}
	if len(s.staple) == 0 {
		err := s.missing()
		return ocspsvc.Refusal(err), err
	}
	r, err := ocspsvc.ParseResponse(s.staple)
	if err != nil {
		return ocspsvc.Refusal(err), err
	}
	return judgeByChains(r, chains, now)
}

func (s *shaken) verifyChain(now time.Time) ([][]*x509.Certificate, error) {
	intermediates := x509.NewCertPool()
	for _, cert := range s.presented[1:] {
		intermediates.AddCert(cert)
	}
	return s.presented[0].Verify(x509.VerifyOptions{
		DNSName: s.name, Roots: s.roots, Intermediates: intermediates, CurrentTime: now,
	})
}

// judgeByChains takes the issuer from each verified chain in turn: a cross-signed
// issuer may have several certificates, and any of them will do.
func judgeByChains(r *ocspsvc.Response, chains [][]*x509.Certificate, now time.Time) (v ocspsvc.Verdict, err error) {
	err = because(ocspsvc.ReasonSelfSigned, errors.New("the certificate is itself a trusted root, nobody else vouches for it"))
	v = ocspsvc.Refusal(err)
	for _, chain := range chains {
		if len(chain) < 2 {
			continue
		}
		if v, err = ocspsvc.Verify(r, chain[0], chain[1], now, ocspsvc.VerifyOptions{}); err == nil {
			return v, nil
		}
	}
	return v, err
}

// missing says why a server may have sent no staple.
func (s *shaken) missing() error {
	leaf := s.presented[0]
	text := "the server sent no staple"
	switch {
	case ocspsvc.HasMustStaple(leaf):
		text += ", though its certificate demands one (must-staple, RFC 7633): clients that honour it refuse the connection"
	case ocspsvc.NoRevAvail(leaf), len(leaf.OCSPServer) == 0:
		return because(ocspsvc.ReasonNoResponder, errors.New(text+", and its certificate names no responder"))
	}
	return because(ocspsvc.ReasonPending, errors.New(text))
}

func (s *shaken) facts() []fact {
	leaf := s.presented[0]
	return []fact{
		{"server", s.address + " (" + s.name + "), " + s.version},
		{"certificate", subjectAndNames(leaf)},
		{"must-staple", yesNo(ocspsvc.HasMustStaple(leaf))},
		{"staple", fmt.Sprintf("%d bytes", len(s.staple))},
	}
}
