package placeholder

import (
	"net"
	"net/http"
	"os"
	"strings"
)

// long are the full names of the shorthands.
var long = map[string]string{
	"host":        "http.request.host",
	"hostport":    "http.request.hostport",
	"port":        "http.request.port",
	"method":      "http.request.method",
	"path":        "http.request.uri.path",
	"uri":         "http.request.uri",
	"query":       "http.request.uri.query",
	"scheme":      "http.request.scheme",
	"remote":      "http.request.remote",
	"remote_host": "http.request.remote.host",
	"remote_port": "http.request.remote.port",
}

// families are the shorthands that end in a name of the user's.
var families = map[string]string{
	"header.": "http.request.header.",
	"query.":  "http.request.uri.query.",
	"cookie.": "http.request.cookie.",
}

// values by full name.
var values = map[string]value{
	"http.request.host":        func(r *http.Request) string { host, _ := splitHost(r.Host); return host },
	"http.request.hostport":    func(r *http.Request) string { return r.Host },
	"http.request.port":        requestPort,
	"http.request.method":      func(r *http.Request) string { return r.Method },
	"http.request.uri":         func(r *http.Request) string { return r.URL.RequestURI() },
	"http.request.uri.path":    func(r *http.Request) string { return r.URL.Path },
	"http.request.uri.query":   func(r *http.Request) string { return r.URL.RawQuery },
	"http.request.scheme":      scheme,
	"http.request.proto":       func(r *http.Request) string { return r.Proto },
	"http.request.remote":      func(r *http.Request) string { return r.RemoteAddr },
	"http.request.remote.host": func(r *http.Request) string { host, _, _ := net.SplitHostPort(r.RemoteAddr); return host },
	"http.request.remote.port": func(r *http.Request) string { _, port, _ := net.SplitHostPort(r.RemoteAddr); return port },
}

// lookup finds the value a name stands for.
func lookup(name string) (value, error) {
	full := name
	if l, ok := long[name]; ok {
		full = l
	}
	for short, l := range families {
		if rest, ok := strings.CutPrefix(name, short); ok {
			full = l + rest
		}
	}
	if v, ok := values[full]; ok {
		return v, nil
	}
	if v := parameterised(full); v != nil {
		return v, nil
	}
	return nil, unknown(name)
}

// parameterised finds the value of a name that ends in a name of the user's,
// or nil.
func parameterised(full string) value {
	if field, ok := strings.CutPrefix(full, "http.request.header."); ok && field != "" {
		return headerValue(http.CanonicalHeaderKey(field))
	}
	if key, ok := strings.CutPrefix(full, "http.request.uri.query."); ok && key != "" {
		return func(r *http.Request) string { return r.URL.Query().Get(key) }
	}
	if name, ok := strings.CutPrefix(full, "http.request.cookie."); ok && name != "" {
		return cookieValue(name)
	}
	if name, ok := strings.CutPrefix(full, "env."); ok && name != "" {
		set := os.Getenv(name) // the environment of a process does not change
		return func(*http.Request) string { return set }
	}
	return nil
}

// headerValue joins the values of a field. The server moves Host out of the
// header.
func headerValue(field string) value {
	if field == "Host" {
		return func(r *http.Request) string { return r.Host }
	}
	return func(r *http.Request) string { return strings.Join(r.Header[field], ",") }
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
