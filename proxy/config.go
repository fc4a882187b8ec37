package proxy

import (
	"time"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/handler"
	"dwaar/proxy/tlspolicy"
)

// Config is everything the HTTP side serves: plain data, as a Dwaarfile
// spells it, complete and checked by [Server.Prepare].
type Config struct {
	// Listeners are served at the same time. Addresses are unique.
	Listeners []Listener `json:"listeners,omitempty"`
	// Protocols are h1, h2 and h3, of which h1 must be there. A listener with
	// TLS offers all of them, h3 on the UDP port of the same number; a plain
	// one speaks h1. Empty means all three.
	Protocols []string `json:"protocols,omitempty"`
	// Timeouts bound what clients may take; zero fields have defaults.
	Timeouts Timeouts `json:"timeouts"`
	// Metrics counts requests.
	Metrics bool `json:"metrics,omitempty"`
	// LogCredentials lets access logs have cookies and authorizations as they
	// are, instead of REDACTED.
	LogCredentials bool `json:"log_credentials,omitempty"`
	// Trust says who may tell dwaar who the client is.
	Trust Trust `json:"trust,omitempty"`
	// ExpectedFields are the fields of requests that are kept although their
	// names have a "_" or a ".": "user_id", or "user_*" for several. Others are
	// dropped, as upstreams may take X_Forwarded_For for X-Forwarded-For.
	ExpectedFields []string `json:"expected_fields,omitempty"`
	// GracePeriod is how long requests may go on after the end of Run's
	// context, or after their listener left the configuration, before their
	// connections are closed. Zero means 10 s.
	GracePeriod time.Duration `json:"grace_period,omitempty"`
	// MaxHeaderBytes bounds the request line and header of one request.
	// Zero means 128 KiB; a larger header is answered 431.
	MaxHeaderBytes int `json:"max_header_bytes,omitempty"`
	// DefaultSNI is the name assumed for TLS clients that send none, or one
	// that no site has. It says which site's TLS options they get; what
	// certificate is not decided here.
	DefaultSNI string `json:"default_sni,omitempty"`
}

// Listener is one TCP address and the sites that answer there.
type Listener struct {
	// Address is what net.Listen takes: ":443", "127.0.0.1:8080",
	// "[::1]:8443". The host is an IP address or empty.
	Address string `json:"address"`
	// TLS says that connections start with a handshake.
	TLS bool `json:"tls,omitempty"`
	// Sites answer by host, see [Site].
	Sites []Site `json:"sites,omitempty"`
}

// Site is what one block of a Dwaarfile answers on one listener.
//
// For a request the sites of its exact host are asked first, then those whose
// "*.example.com" covers it (one label), then those for any host; among these
// the first whose Path matches answers, longer paths before shorter ones, and
// written order between equals.
type Site struct {
	// Hosts are names ("example.com"), wildcards of exactly one left-most
	// label ("*.example.com"), addresses ("10.0.0.1", "::1" or "[::1]"), or
	// "" for any host. No hosts means any host. No ports, see Listener.
	Hosts []string `json:"hosts,omitempty"`
	// Path is a path pattern (see match.Path) that requests must match;
	// empty means every path.
	Path string `json:"path,omitempty"`
	// Routes run in this order. A request that nothing in them answers gets
	// a 404.
	Routes handler.Chain `json:"routes,omitempty"`
	// TLS is what the site says of its handshakes; nil leaves them as they are.
	// A host has one: sites that share it differ in their Path only. A request
	// that comes over a connection to a site with other options is answered
	// 421, so that nobody gets around them.
	TLS *tlspolicy.Config `json:"tls,omitempty"`
	// Proxied lets the site answer requests for hosts that are of no site on
	// the listener, as a proxy gets them. Of several on a listener the first
	// does, and over TLS none.
	Proxied bool `json:"proxied,omitempty"`
	// Logs are where this site's requests are recorded.
	Logs []accesslog.Config `json:"logs,omitempty"`
}

// Timeouts bound the time a client may take. Zero always means the default
// named at the field, negative is refused. A changed value applies to
// connections accepted after the reload.
type Timeouts struct {
	// ReadHeader is for reading one request header. Default 10 s. HTTP/3 has no
	// such limit: there a connection without a whole request ends after Idle.
	ReadHeader time.Duration `json:"read_header,omitempty"`
	// ReadBody is for the whole body of one request, from the end of its
	// header; a request that takes longer is answered 408 where that is still
	// possible, and its connection closed. Default: no limit.
	ReadBody time.Duration `json:"read_body,omitempty"`
	// Write is for one response, from the end of the request header. It also
	// ends streams and server-sent events, but not WebSockets. Default: no
	// limit.
	Write time.Duration `json:"write,omitempty"`
	// Idle is how long a kept-alive connection may wait for its next
	// request. Default 5 min.
	Idle time.Duration `json:"idle,omitempty"`
	// Handshake is for one TLS handshake. Default 10 s.
	Handshake time.Duration `json:"handshake,omitempty"`
}
