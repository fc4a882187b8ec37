package upstream

import (
	"net/http"
	"net/textproto"
	"strings"
)

// forwarded are the fields that tell an upstream who its client's client is.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedHost  = "X-Forwarded-Host"
	forwardedProto = "X-Forwarded-Proto"
)

// prepare makes the upstream's request of the client's. Where it goes is left
// to the server that gets it.
func (e *exchange) prepare() {
	in := e.in
	e.out = *in
	e.url = *in.URL
	e.out.URL = &e.url
	e.out.Close = false
	e.out.Header = e.requestHeader(in)
	if e.body == nil {
		e.out.Body, e.out.ContentLength = nil, 0
	}
}

// requestHeader is what of the client's header the upstream gets. The values
// are shared, the map is not.
func (e *exchange) requestHeader(in *http.Request) http.Header {
	out := make(http.Header, len(in.Header)+3)
	for name, values := range in.Header {
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
			"Transfer-Encoding", "Upgrade", "Forwarded", forwardedFor, forwardedHost, forwardedProto:
		default:
			out[name] = values
		}
	}
	connection := in.Header["Connection"]
	dropListed(out, connection)
	if te := in.Header["Te"]; te != nil && hasToken(te, "trailers") {
		out["Te"] = []string{"trailers"}
	}
	if protocol := upgradeOf(in.Header); protocol != "" && in.ProtoMajor == 1 && !hasToken([]string{protocol}, "h2c") {
		out["Connection"], out["Upgrade"] = []string{"Upgrade"}, []string{protocol}
	}
	e.forwarded = [3]string{peerOf(in), in.Host, "http"}
	if in.TLS != nil {
		e.forwarded[2] = "https"
	}
	out[forwardedFor] = e.forwarded[0:1:1]
	out[forwardedHost] = e.forwarded[1:2:2]
	out[forwardedProto] = e.forwarded[2:3:3]
	return out
}

// dropConnection takes out of an upstream's header what was meant for dwaar
// (RFC 9110 §7.6.1).
func dropConnection(header http.Header) {
	connection := header["Connection"]
	for _, name := range [...]string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade"} {
		delete(header, name)
	}
	dropListed(header, connection)
	delete(header, "Alt-Svc") // it is about the upstream's ports (RFC 7838 §3)
}

// dropListed deletes the fields that the values of Connection name.
func dropListed(header http.Header, connection []string) {
	for _, value := range connection {
		switch value {
		case "close", "keep-alive", "Keep-Alive", "Upgrade", "upgrade":
			continue
		}
		for name := range strings.SplitSeq(value, ",") {
			if name = textproto.TrimString(name); name != "" {
				delete(header, http.CanonicalHeaderKey(name))
			}
		}
	}
}

// upgradeOf is the protocol that the sender of header wants to change to, or
// "".
func upgradeOf(header http.Header) string {
	upgrade := header["Upgrade"]
	if len(upgrade) == 0 || !hasToken(header["Connection"], "upgrade") {
		return ""
	}
	return upgrade[0]
}

// hasToken reports whether a comma-separated list has token, which is in lower
// case.
func hasToken(values []string, token string) bool {
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			item, _, _ = strings.Cut(item, ";")
			if strings.EqualFold(textproto.TrimString(item), token) {
				return true
			}
		}
	}
	return false
}

// peerOf is the address that r's connection comes from, without the port.
func peerOf(r *http.Request) string {
	host := r.RemoteAddr
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
