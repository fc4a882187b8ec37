package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"dwaar/proxy/upstream/http1"
)

const (
	defaultDialTimeout = 3 * time.Second
	handshakeTimeout   = 10 * time.Second
	continueTimeout    = time.Second // RFC 9110 §10.1.1: do not wait indefinitely for a 100
	idleTimeout        = 90 * time.Second
	probeInterval      = 30 * time.Second
	maxIdle            = 256
	maxResponseHeader  = 1 << 20
	bufferBytes        = 4 << 10
)

// settings are one upstream and how it is spoken to.
type settings struct {
	key       poolKey
	transport Transport
}

// poolKey tells the pools of connections apart.
type poolKey struct {
	address   Address
	transport string // as JSON
	files     files
}

func (c Config) settings(a Address, f files) (settings, error) {
	if !a.TLS {
		f = files{}
	}
	text, err := json.Marshal(c.Transport)
	return settings{poolKey{a, string(text), f}, c.Transport}, err
}

// open makes what carries requests to one upstream: dwaar's own HTTP/1.1 where
// that is what is spoken, or net/http's transport. It never looks at the
// environment for a proxy, asks for no compression of its own, and keeps what
// it receives as it is.
func (s settings) open() (carrier, error) {
	dialer := newDialer(s.key.address, s.transport)
	if !s.key.address.TLS && !s.key.address.H2C {
		return s.own(dialer), nil
	}
	t := s.transport
	config, err := s.tlsConfig()
	if err != nil {
		return nil, err
	}
	return standard{&http.Transport{
		Proxy:                  nil,
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.dial(ctx) },
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    t.handshakeTimeout(),
		Protocols:              s.protocols(),
		DisableCompression:     true,
		DisableKeepAlives:      t.KeepAlive < 0,
		MaxIdleConns:           t.maxIdle(),
		MaxIdleConnsPerHost:    t.maxIdle(),
		MaxConnsPerHost:        t.MaxConns,
		IdleConnTimeout:        cmp.Or(max(t.KeepAlive, 0), idleTimeout),
		ResponseHeaderTimeout:  t.ResponseHeaderTimeout,
		ExpectContinueTimeout:  cmp.Or(t.ContinueTimeout, continueTimeout),
		MaxResponseHeaderBytes: int64(cmp.Or(t.MaxResponseHeader, maxResponseHeader)),
		ReadBufferSize:         cmp.Or(t.ReadBuffer, bufferBytes),
		WriteBufferSize:        cmp.Or(t.WriteBuffer, bufferBytes),
	}}, nil
}

// own is the client for HTTP/1.1 without TLS.
func (s settings) own(d *dialer) *http1.Client {
	t := s.transport
	return http1.New(http1.Config{
		Dial:                  d.dial,
		MaxIdle:               t.maxIdle(),
		IdleTimeout:           cmp.Or(max(t.KeepAlive, 0), idleTimeout),
		MaxConns:              t.MaxConns,
		ResponseHeaderTimeout: t.ResponseHeaderTimeout,
		ContinueTimeout:       cmp.Or(t.ContinueTimeout, continueTimeout),
		MaxHeader:             cmp.Or(t.MaxResponseHeader, maxResponseHeader),
		ReadBuffer:            cmp.Or(t.ReadBuffer, bufferBytes),
		WriteBuffer:           cmp.Or(t.WriteBuffer, bufferBytes),
	})
}

func (s settings) protocols() *http.Protocols {
	p := new(http.Protocols)
	if !s.key.address.TLS {
		p.SetUnencryptedHTTP2(true)
		return p
	}
	versions := s.transport.Versions
	second := slices.Contains(versions, version2)
	p.SetHTTP2(second || len(versions) == 0)
	p.SetHTTP1(!second || slices.Contains(versions, version1))
	return p
}

func (t Transport) handshakeTimeout() time.Duration {
	if t.TLS == nil || t.TLS.Timeout == 0 {
		return handshakeTimeout
	}
	return t.TLS.Timeout
}

func (s settings) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	t, f := s.transport.TLS, s.key.files
	if t == nil {
		return config, nil
	}
	config.ServerName, config.InsecureSkipVerify = t.ServerName, t.Insecure
	if f.roots != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(f.roots)) {
			return nil, errors.New("no certificate in the upstream's CA files")
		}
	}
	if f.certificate != "" {
		pair, err := tls.X509KeyPair([]byte(f.certificate), []byte(f.key))
		if err != nil {
			return nil, fmt.Errorf("the client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
