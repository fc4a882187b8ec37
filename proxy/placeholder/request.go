package placeholder

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dwaar/proxy/request"
)

// values by full name.
var values = map[string]value{
	"http.request.host":               func(r *http.Request) string { host, _ := splitHost(r.Host); return host },
	"http.request.hostport":           func(r *http.Request) string { return r.Host },
	"http.request.port":               requestPort,
	"http.request.method":             func(r *http.Request) string { return r.Method },
	"http.request.scheme":             scheme,
	"http.request.proto":              func(r *http.Request) string { return r.Proto },
	"http.request.uuid":               func(r *http.Request) string { return request.Of(r).UUID() },
	"http.request.duration":           func(r *http.Request) string { return duration(r).String() },
	"http.request.duration_ms":        func(r *http.Request) string { return milliseconds(duration(r)) },
	"http.request.remote":             func(r *http.Request) string { return r.RemoteAddr },
	"http.request.remote.host":        func(r *http.Request) string { return hostOf(r.RemoteAddr) },
	"http.request.remote.port":        func(r *http.Request) string { return portOf(r.RemoteAddr) },
	"http.request.local":              local,
	"http.request.local.host":         func(r *http.Request) string { return hostOf(local(r)) },
	"http.request.local.port":         func(r *http.Request) string { return portOf(local(r)) },
	"http.request.uri":                func(r *http.Request) string { return r.URL.RequestURI() },
	"http.request.uri_escaped":        func(r *http.Request) string { return url.QueryEscape(r.URL.RequestURI()) },
	"http.request.uri.path":           func(r *http.Request) string { return r.URL.Path },
	"http.request.uri.path_escaped":   func(r *http.Request) string { return url.QueryEscape(r.URL.Path) },
	"http.request.uri.path.dir":       func(r *http.Request) string { return dir(r.URL.Path) },
	"http.request.uri.path.file":      func(r *http.Request) string { return file(r.URL.Path) },
	"http.request.uri.path.file.base": func(r *http.Request) string { base, _ := extension(r.URL.Path); return base },
	"http.request.uri.path.file.ext":  func(r *http.Request) string { _, ext := extension(r.URL.Path); return ext },
	"http.request.uri.query":          func(r *http.Request) string { return r.URL.RawQuery },
	"http.request.uri.query_escaped":  func(r *http.Request) string { return url.QueryEscape(r.URL.RawQuery) },
	"http.request.uri.prefixed_query": func(r *http.Request) string { return prefixed(r.URL.RawQuery) },

	"http.request.orig_method":             func(r *http.Request) string { return received(r).Method },
	"http.request.orig_uri":                func(r *http.Request) string { return received(r).URI },
	"http.request.orig_uri.path":           func(r *http.Request) string { return original(r).Path },
	"http.request.orig_uri.path.dir":       func(r *http.Request) string { return dir(original(r).Path) },
	"http.request.orig_uri.path.file":      func(r *http.Request) string { return file(original(r).Path) },
	"http.request.orig_uri.query":          func(r *http.Request) string { return original(r).RawQuery },
	"http.request.orig_uri.prefixed_query": func(r *http.Request) string { return prefixed(original(r).RawQuery) },

	"http.vars.client_ip": clientIP,
	"http.auth.user.id":   func(r *http.Request) string { return request.Of(r).User },

	"http.error":             func(r *http.Request) string { return errorText(r) },
	"http.error.message":     func(r *http.Request) string { return errorText(r) },
	"http.error.status_code": errorStatus,
	"http.error.status_text": func(r *http.Request) string { return http.StatusText(request.Of(r).Failure.Status) },

	"http.reverse_proxy.upstream.hostport": func(r *http.Request) string { return request.Of(r).Upstream },
	"http.reverse_proxy.upstream.address":  func(r *http.Request) string { return request.Of(r).Upstream },
	"http.reverse_proxy.upstream.host":     func(r *http.Request) string { return hostOf(request.Of(r).Upstream) },
	"http.reverse_proxy.upstream.port":     func(r *http.Request) string { return portOf(request.Of(r).Upstream) },

	"http.request.tls.version":                       tlsVersion,
	"http.request.tls.cipher_suite":                  tlsCipher,
	"http.request.tls.resumed":                       tlsResumed,
	"http.request.tls.proto":                         tlsProto,
	"http.request.tls.server_name":                   tlsServerName,
	"http.request.tls.client.fingerprint":            ofClient(fingerprint),
	"http.request.tls.client.public_key":             ofClient(publicKey),
	"http.request.tls.client.public_key_sha256":      ofClient(publicKeyHash),
	"http.request.tls.client.subject":                ofClient(subject),
	"http.request.tls.client.issuer":                 ofClient(issuer),
	"http.request.tls.client.serial":                 ofClient(serial),
	"http.request.tls.client.certificate_pem":        ofClient(certificatePEM),
	"http.request.tls.client.certificate_der_base64": ofClient(certificateBase64),

	"time.now":            func(*http.Request) string { return time.Now().String() },
	"time.now.http":       func(*http.Request) string { return time.Now().UTC().Format(http.TimeFormat) },
	"time.now.common_log": func(*http.Request) string { return time.Now().Format("02/Jan/2006:15:04:05 -0700") },
	"time.now.year":       func(*http.Request) string { return strconv.Itoa(time.Now().Year()) },
	"time.now.unix":       func(*http.Request) string { return strconv.FormatInt(time.Now().Unix(), 10) },
	"time.now.unix_ms":    func(*http.Request) string { return strconv.FormatInt(time.Now().UnixMilli(), 10) },
}

// ofRequest finds the value of a name that ends in the name of a field, key or
// cookie, or nil.
func ofRequest(full string) value {
	if field, ok := strings.CutPrefix(full, "http.request.header."); ok && field != "" {
		return headerValue(http.CanonicalHeaderKey(field))
	}
	if key, ok := strings.CutPrefix(full, "http.request.uri.query."); ok && key != "" {
		return func(r *http.Request) string { return queryValue(r.URL.RawQuery, key) }
	}
	if name, ok := strings.CutPrefix(full, "http.request.cookie."); ok && name != "" {
		return cookieValue(name)
	}
	if label, ok := number(full, "http.request.host.labels."); ok {
		return func(r *http.Request) string { return hostLabel(r.Host, label) }
	}
	return nil
}

// number is the number that a name ends in.
func number(full, prefix string) (int, bool) {
	text, ok := strings.CutPrefix(full, prefix)
	n, err := strconv.ParseUint(text, 10, 8)
	return int(n), ok && err == nil
}

// headerValue joins the values of a field. The server moves Host out of the
// header.
func headerValue(field string) value {
	if field == "Host" {
		return func(r *http.Request) string { return r.Host }
	}
	return func(r *http.Request) string { return strings.Join(r.Header[field], ",") }
}

// queryValue joins the values of a key, like those of a field.
func queryValue(query, key string) string {
	values, found := "", false
	for k, value := range request.Query(query) {
		switch {
		case k != key:
		case found:
			values += "," + value
		default:
			values, found = value, true
		}
	}
	return values
}

func cookieValue(name string) value {
	return func(r *http.Request) string {
		cookie, err := r.Cookie(name)
		if err != nil {
			return ""
		}
		return cookie.Value
	}
}

// hostLabel is one label of a host in lower case, counted from 0 at its end.
func hostLabel(hostport string, index int) string {
	host, _ := splitHost(hostport)
	for rest := strings.ToLower(host); ; index-- {
		dot := strings.LastIndexByte(rest, '.')
		if index == 0 {
			return rest[dot+1:]
		}
		if dot < 0 {
			return ""
		}
		rest = rest[:dot]
	}
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// requestPort is the port the client named, or the scheme's.
func requestPort(r *http.Request) string {
	if _, port := splitHost(r.Host); port != "" {
		return port
	}
	if r.TLS != nil {
		return "443"
	}
	return "80"
}

// splitHost cuts a Host apart. An IPv6 literal keeps its brackets, so that
// {host} can stand in a URL.
func splitHost(hostport string) (host, port string) {
	colon := strings.LastIndexByte(hostport, ':')
	if colon < 0 || strings.HasSuffix(hostport, "]") {
		return hostport, ""
	}
	return hostport[:colon], hostport[colon+1:]
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

func portOf(address string) string { _, port, _ := net.SplitHostPort(address); return port }

// local is the address that the client is connected to.
func local(r *http.Request) string {
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return addr.String()
	}
	return ""
}

// clientIP is who asks, as the front found out, or else who is connected.
func clientIP(r *http.Request) string {
	if ip := request.Of(r).ClientIP; ip.IsValid() {
		return ip.String()
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return peer.Addr().Unmap().String()
	}
	return ""
}

func prefixed(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

func duration(r *http.Request) time.Duration {
	if started := request.Of(r).Started; !started.IsZero() {
		return time.Since(started)
	}
	return 0
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64)
}

// received is the request as it came: r itself where no front has been.
func received(r *http.Request) request.Received {
	if got := request.Of(r).Received; got != (request.Received{}) {
		return got
	}
	return request.Received{Method: r.Method, Host: r.Host, URI: r.URL.RequestURI()}
}

func original(r *http.Request) url.URL {
	if u, err := url.ParseRequestURI(received(r).URI); err == nil {
		return *u
	}
	return *r.URL
}
