package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"dwaar/proxy/upstream/http1"
)

const (
	defaultDialTimeout = 3 * time.Second
	handshakeTimeout   = 10 * time.Second
	continueTimeout    = time.Second // RFC 9110 §10.1.1: do not wait indefinitely for a 100
	idleTimeout        = 90 * time.Second
	keepAlive          = 30 * time.Second
	maxIdle            = 256
	maxResponseHeader  = 1 << 20
)

// settings tell the pools of upstreams apart.
type settings struct {
	address        Address
	dialTimeout    time.Duration
	responseHeader time.Duration
	serverName     string
	roots          string // file names and contents' PEM, see rootsPEM
}

func (c Config) settings(a Address, rootsPEM string) settings {
	s := settings{address: a, dialTimeout: c.DialTimeout, responseHeader: c.ResponseHeaderTimeout}
	if s.dialTimeout == 0 {
		s.dialTimeout = defaultDialTimeout
	}
	if a.TLS && c.TLS != nil {
		s.serverName, s.roots = c.TLS.ServerName, rootsPEM
	}
	return s
}

// rootsPEM reads the CAs of a configuration. The settings hold their text, so
// that a file that changed means another pool.
func (c Config) rootsPEM() (string, error) {
	if c.TLS == nil {
		return "", nil
	}
	var all strings.Builder
	for _, file := range c.TLS.Roots {
		pem, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("reading upstream CA: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(pem) {
			return "", fmt.Errorf("reading upstream CA %s: no certificate in it", file)
		}
		all.Write(pem)
		all.WriteByte('\n')
	}
	return all.String(), nil
}

// open makes what carries requests to one upstream: dwaar's own HTTP/1.1 where
// that is what is spoken, or net/http's transport. It never looks at the
// environment for a proxy, asks for no compression of its own, and keeps what
// it receives as it is.
func (s settings) open() (carrier, error) {
	if !s.address.TLS {
		return http1.New(http1.Config{
			Dial:                  func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, "", "") },
			MaxIdle:               maxIdle,
			IdleTimeout:           idleTimeout,
			ResponseHeaderTimeout: s.responseHeader,
			ContinueTimeout:       continueTimeout,
			MaxHeader:             maxResponseHeader,
		}), nil
	}
	config := &tls.Config{ServerName: s.serverName, MinVersion: tls.VersionTLS12}
	if s.roots != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(s.roots)) {
			return nil, errors.New("no certificate in the upstream's CA files")
		}
	}
	return standard{&http.Transport{
		Proxy:                  nil,
		DialContext:            s.dial,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    handshakeTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  s.responseHeader,
		ExpectContinueTimeout:  continueTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		ReadBufferSize:         16 << 10,
		WriteBufferSize:        16 << 10,
	}}, nil
}

// dial connects to the upstream, whatever the request's URL says.
func (s settings) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: s.dialTimeout, KeepAlive: keepAlive}
	conn, err := dialer.DialContext(ctx, s.address.Network, s.address.Dial)
	if err != nil {
		return nil, &unreachable{err}
	}
	return conn, nil
}

// unreachable is the error of an upstream that did not take the connection:
// nothing of the request was sent.
type unreachable struct{ err error }

func (e *unreachable) Error() string { return e.err.Error() }
func (e *unreachable) Unwrap() error { return e.err }

// nothingSent reports whether err left the request untouched, so that another
// upstream may have it.
func nothingSent(err error) bool {
	var dial *unreachable
	var badCertificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	return errors.As(err, &dial) || errors.As(err, &badCertificate) || errors.As(err, &notTLS)
}
