package upstream

import (
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
)

// forwarded are the fields that tell an upstream who its client's client is.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedHost  = "X-Forwarded-Host"
	forwardedProto = "X-Forwarded-Proto"
)

// Edits are changes to what is forwarded, after forwarding has made its own.
// They may replace the values of a header, not change them in place.
type Edits struct {
	// Request changes out, which goes to an upstream, for every attempt anew;
	// in is the client's.
	Request func(out, in *http.Request)
	// Response changes the header of the response to in.
	Response func(header http.Header, in *http.Request)
}

// prepare makes the upstream's request of the client's. Where it goes is left
// to the server that gets it.
func (f *forward) prepare(e *exchange) {
	in := e.in
	e.out = *in
	e.url = *in.URL
	e.out.URL = &e.url
	e.out.Close = false
	f.setForwarded(e)
	if f.edits.Request == nil { // or edit will do it
		e.out.Header = e.requestHeader(in)
	}
	if e.body == nil {
		e.out.Body, e.out.ContentLength = nil, 0
	}
}

// edit makes the changes of the directive, which know the upstream.
func (f *forward) edit(e *exchange) {
	e.out.Header = e.requestHeader(e.in)
	f.edits.Request(&e.out, e.in)
}

// setForwarded decides who is said to be behind the request: whoever dwaar
// sees, or whom a trusted proxy names.
func (f *forward) setForwarded(e *exchange) {
	in := e.in
	peer, known := peerOf(in)
	e.forwarded = [3]string{peer, in.Host, "http"}
	if in.TLS != nil {
		e.forwarded[2] = "https"
	}
	if e.trusted = e.state.TrustedPeer || known && f.trusts(peer); !e.trusted {
		return
	}
	if before := strings.Join(in.Header[forwardedFor], ", "); before != "" && peer != "" {
		e.forwarded[0] = before + ", " + peer
	} else if before != "" {
		e.forwarded[0] = before
	}
	for i, name := range [...]string{1: forwardedHost, 2: forwardedProto} {
		if i > 0 && in.Header.Get(name) != "" {
			e.forwarded[i] = in.Header.Get(name)
		}
	}
}

func (f *forward) trusts(peer string) bool {
	if len(f.config.TrustedProxies) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(peer)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(f.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// requestHeader is what of the client's header the upstream gets. The values
// are shared, the map is not.
func (e *exchange) requestHeader(in *http.Request) http.Header {
	out := make(http.Header, len(in.Header)+3)
	for name, values := range in.Header {
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
			"Transfer-Encoding", "Upgrade", forwardedFor, forwardedHost, forwardedProto:
		case "Forwarded":
			if e.trusted {
				out[name] = values
			}
		default:
			out[name] = values
		}
	}
	dropListed(out, in.Header["Connection"])
	if te := in.Header["Te"]; te != nil && hasToken(te, "trailers") {
		out["Te"] = []string{"trailers"}
	}
	if protocol := e.upgrade(in); protocol != "" {
		out["Connection"], out["Upgrade"] = []string{"Upgrade"}, []string{protocol}
	}
	if e.forwarded[0] != "" {
		out[forwardedFor] = e.forwarded[0:1:1]
	}
	out[forwardedHost] = e.forwarded[1:2:2]
	out[forwardedProto] = e.forwarded[2:3:3]
	return out
}

// upgrade is the protocol that the upstream may change to, or "". There is none
// for a request with a body: who reads that would be a second reader of the
// client's connection.
func (e *exchange) upgrade(in *http.Request) string {
	protocol := upgradeOf(in.Header)
	if in.ProtoMajor != 1 || e.body != nil || hasToken([]string{protocol}, "h2c") {
		return ""
	}
	return protocol
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

// peerOf is the address that r's connection comes from, without the port, or
// "" if it comes from none, as over a unix socket.
func peerOf(r *http.Request) (peer string, known bool) {
	i := strings.LastIndexByte(r.RemoteAddr, ':')
	if i < 0 {
		return "", false
	}
	return strings.TrimSuffix(strings.TrimPrefix(r.RemoteAddr[:i], "["), "]"), true
}
