package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Transport is how upstreams are spoken to.
type Transport struct {
	// TLS is for upstreams written with https://. Nil: their certificate must
	// be valid for the host in the address, by the system's roots.
	TLS *TLS `json:"tls,omitempty"`
	// Versions are the versions of HTTP to speak: "1.1" and "2" with TLS,
	// which are the default, "1.1" without, or "h2c": HTTP/2 without TLS.
	Versions []string `json:"versions,omitempty"`
	// DialTimeout is for connecting to one upstream. Zero means 3 s.
	DialTimeout time.Duration `json:"dial_timeout,omitempty"`
	// FallbackDelay is how long IPv6 is tried before IPv4 is, too (RFC 6555).
	// Zero means 300 ms, negative: one after the other.
	FallbackDelay time.Duration `json:"dial_fallback_delay,omitempty"`
	// ResponseHeaderTimeout is how long an upstream may take from the end of
	// the request to the header of its response; then the client gets a 504.
	// Zero means no limit.
	ResponseHeaderTimeout time.Duration `json:"response_header_timeout,omitempty"`
	// ContinueTimeout is how long a body that the client offers with
	// "Expect: 100-continue" waits for the upstream's word. Zero means 1 s.
	ContinueTimeout time.Duration `json:"expect_continue_timeout,omitempty"`
	// ReadTimeout is how long an upstream may send nothing where something is
	// due, and WriteTimeout how long it may take nothing of what is sent. They
	// end streams and WebSockets, too. Zero means no limit.
	ReadTimeout  time.Duration `json:"read_timeout,omitempty"`
	WriteTimeout time.Duration `json:"write_timeout,omitempty"`
	// KeepAlive is how long a connection waits for its next request. Zero
	// means 90 s, negative: every request has its own.
	KeepAlive time.Duration `json:"keepalive,omitempty"`
	// ProbeInterval is the time between two TCP keep-alive probes. Zero means
	// 30 s, negative: none are sent.
	ProbeInterval time.Duration `json:"keepalive_interval,omitempty"`
	// MaxIdle is how many connections to one upstream wait for a request.
	// Zero means 256.
	MaxIdle int `json:"keepalive_idle_conns_per_host,omitempty"`
	// MaxConns bounds the connections to one upstream; requests wait for one.
	// Zero means no limit.
	MaxConns int `json:"max_conns_per_host,omitempty"`
	// ReadBuffer and WriteBuffer are in bytes, for each connection. Zero means
	// 4 KiB.
	ReadBuffer  int `json:"read_buffer,omitempty"`
	WriteBuffer int `json:"write_buffer,omitempty"`
	// MaxResponseHeader bounds the header of a response in bytes. Zero means
	// 1 MiB.
	MaxResponseHeader int `json:"max_response_header,omitempty"`
	// LocalAddress is the address that connections come from, if it matters.
	LocalAddress string `json:"local_address,omitempty"`
}

// TLS says how https upstreams are verified, and what they see.
type TLS struct {
	// Always makes upstreams that are written without a scheme https ones,
	// except on ExceptPorts.
	Always      bool  `json:"always,omitempty"`
	ExceptPorts []int `json:"except_ports,omitempty"`
	// Roots are PEM files of the CAs to trust instead of the system's.
	Roots []string `json:"roots,omitempty"`
	// ServerName is sent as SNI and verified instead of the address's host.
	ServerName string `json:"server_name,omitempty"`
	// Certificate and Key are PEM files of who dwaar is to the upstream.
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	// Insecure accepts whatever certificate the upstream has.
	Insecure bool `json:"insecure_skip_verify,omitempty"`
	// Timeout is for one handshake. Zero means 10 s.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// Versions of HTTP that a transport may speak.
const (
	version1   = "1.1"
	version2   = "2"
	versionH2C = "h2c"
)

// Check reports everything that is wrong with t, without opening files.
func (t Transport) Check() error {
	problems := []error{t.checkVersions()}
	for _, d := range []struct {
		name string
		time.Duration
	}{
		{"dial_timeout", t.DialTimeout}, {"response_header_timeout", t.ResponseHeaderTimeout},
		{"expect_continue_timeout", t.ContinueTimeout}, {"read_timeout", t.ReadTimeout}, {"write_timeout", t.WriteTimeout},
	} {
		if d.Duration < 0 {
			problems = append(problems, fmt.Errorf("reverse_proxy: %s is negative: %v", d.name, d.Duration))
		}
	}
	if t.MaxIdle < 0 || t.MaxConns < 0 || t.ReadBuffer < 0 || t.WriteBuffer < 0 || t.MaxResponseHeader < 0 {
		problems = append(problems, errors.New("reverse_proxy: a number of the transport is negative"))
	}
	if t.LocalAddress != "" {
		if _, err := netip.ParseAddr(t.LocalAddress); err != nil {
			problems = append(problems, fmt.Errorf("reverse_proxy: local_address: %q is no IP address", t.LocalAddress))
		}
	}
	return errors.Join(append(problems, t.TLS.check())...)
}

func (t Transport) checkVersions() error {
	for _, v := range t.Versions {
		switch v {
		case version1, version2, versionH2C:
		case "3":
			return errors.New("reverse_proxy: versions: HTTP/3 to upstreams is not supported by dwaar")
		default:
			return fmt.Errorf("reverse_proxy: versions: %q is not 1.1, 2 or h2c", v)
		}
	}
	return nil
}

func (t *TLS) check() error {
	if t == nil {
		return nil
	}
	var problems []error
	if (t.Certificate == "") != (t.Key == "") {
		problems = append(problems, errors.New("reverse_proxy: tls_client_auth: a certificate needs its key, and the other way round"))
	}
	if t.Timeout < 0 {
		problems = append(problems, fmt.Errorf("reverse_proxy: tls_timeout is negative: %v", t.Timeout))
	}
	if t.Insecure && len(t.Roots) > 0 {
		problems = append(problems, errors.New("reverse_proxy: tls_trust_pool means nothing with tls_insecure_skip_verify"))
	}
	if strings.ContainsAny(t.ServerName, "{}/: ") {
		problems = append(problems, fmt.Errorf("reverse_proxy: tls_server_name: %q is no host name, and placeholders are not supported here", t.ServerName))
	}
	return errors.Join(problems...)
}

// Address is an upstream as it is reached by t.
func (t Transport) Address(written string) (Address, error) {
	a, err := ParseAddress(written)
	return t.apply(a, strings.Contains(written, "://")), err
}

// apply decides what an address without a scheme means.
func (t Transport) apply(a Address, schemed bool) Address {
	switch {
	case schemed:
	case t.TLS != nil && t.TLS.Always && t.TLS.secures(a):
		a.TLS = true
	case slices.Contains(t.Versions, versionH2C):
		a.H2C = true
	}
	return a
}

func (t *TLS) secures(a Address) bool {
	_, port, _ := strings.Cut(a.Dial[strings.LastIndexByte(a.Dial, ']')+1:], ":")
	n, _ := strconv.Atoi(port)
	return a.Network != "unix" && !slices.Contains(t.ExceptPorts, n)
}

func (t Transport) maxIdle() int {
	if t.KeepAlive < 0 {
		return 0
	}
	return cmp.Or(t.MaxIdle, maxIdle)
}
