package tlsstore

import (
	"crypto/tls"
	"errors"
	"time"
)

// acmeTLS is the ALPN protocol of a CA's validation, and the only one it offers (RFC 8737 §6.2).
const acmeTLS = "acme-tls/1"

// challenger is what OnALPN has set.
type challenger func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// noChallenge is for the log alone: a CA that asks in vain is not a client.
const noChallenge refusal = "no_challenge"

// errNoName is of a validation for what cannot be a name.
var errNoName = errors.New("the SNI is not a host name")

// OnALPN sets what answers handshakes that offer exactly the protocol acme-tls/1 (RFC 8737):
// the certificate of the challenge, or an error if there is none for the name. It is asked on
// every listener, and for no other handshake; without it, nothing offers that protocol. Such a
// handshake carries no staple and no ticket and counts as neither a handshake nor a refusal.
// The answer may take as long as the handshake's context; nobody else waits for it.
func (s *Store) OnALPN(answer func(*tls.ClientHelloInfo) (*tls.Certificate, error)) {
	c := challenger(answer)
	s.onALPN.Store(&c)
}

// challenge returns the configuration of a validation, or nil for any other handshake. Where
// there is no certificate for it, the alert is unrecognized_name.
func (s *Store) challenge(hello *tls.ClientHelloInfo) *tls.Config {
	answer := s.onALPN.Load()
	if answer == nil || len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != acmeTLS {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{acmeTLS}, SessionTicketsDisabled: true}
	cert, err := (*answer).certificate(hello)
	if err != nil {
		if suppressed, due := s.refusals.due(noChallenge, time.Now()); due {
			s.log.DebugContext(hello.Context(), "no certificate for a challenge", "sni", hello.ServerName, "err", err, "suppressed", suppressed)
		}
		return config
	}
	config.Certificates = []tls.Certificate{*cert}
	return config
}

// certificate returns what answers a validation, without a staple.
func (answer challenger) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if _, ok := normalName(hello.ServerName); !ok {
		return nil, errNoName
	}
	cert, err := answer(hello)
	if err != nil {
		return nil, err
	}
	if cert == nil || len(cert.Certificate) == 0 {
		return nil, errors.New("there is none")
	}
	plain := *cert
	plain.OCSPStaple, plain.SignedCertificateTimestamps = nil, nil
	return &plain, nil
}
