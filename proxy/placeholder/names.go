package placeholder

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// long are the full names of the shorthands, Caddy's.
var long = map[string]string{
	"host":                              "http.request.host",
	"hostport":                          "http.request.hostport",
	"port":                              "http.request.port",
	"method":                            "http.request.method",
	"path":                              "http.request.uri.path",
	"dir":                               "http.request.uri.path.dir",
	"file":                              "http.request.uri.path.file",
	"file.base":                         "http.request.uri.path.file.base",
	"file.ext":                          "http.request.uri.path.file.ext",
	"uri":                               "http.request.uri",
	"query":                             "http.request.uri.query",
	"?query":                            "http.request.uri.prefixed_query",
	"%uri":                              "http.request.uri_escaped",
	"%path":                             "http.request.uri.path_escaped",
	"%query":                            "http.request.uri.query_escaped",
	"orig_method":                       "http.request.orig_method",
	"orig_uri":                          "http.request.orig_uri",
	"orig_path":                         "http.request.orig_uri.path",
	"orig_dir":                          "http.request.orig_uri.path.dir",
	"orig_file":                         "http.request.orig_uri.path.file",
	"orig_query":                        "http.request.orig_uri.query",
	"orig_?query":                       "http.request.orig_uri.prefixed_query",
	"scheme":                            "http.request.scheme",
	"uuid":                              "http.request.uuid",
	"client_ip":                         "http.vars.client_ip",
	"remote":                            "http.request.remote",
	"remote_host":                       "http.request.remote.host",
	"remote_port":                       "http.request.remote.port",
	"tls_version":                       "http.request.tls.version",
	"tls_cipher":                        "http.request.tls.cipher_suite",
	"tls_sni":                           "http.request.tls.server_name",
	"upstream_hostport":                 "http.reverse_proxy.upstream.hostport",
	"tls_client_fingerprint":            "http.request.tls.client.fingerprint",
	"tls_client_subject":                "http.request.tls.client.subject",
	"tls_client_issuer":                 "http.request.tls.client.issuer",
	"tls_client_serial":                 "http.request.tls.client.serial",
	"tls_client_certificate_pem":        "http.request.tls.client.certificate_pem",
	"tls_client_certificate_der_base64": "http.request.tls.client.certificate_der_base64",
}

// families are the shorthands that end in a name of the user's.
var families = map[string]string{
	"header.":     "http.request.header.",
	"query.":      "http.request.uri.query.",
	"cookie.":     "http.request.cookie.",
	"path.":       "http.request.uri.path.",
	"labels.":     "http.request.host.labels.",
	"vars.":       "http.vars.",
	"re.":         "http.regexp.",
	"err.":        "http.error.",
	"rp.":         "http.reverse_proxy.",
	"file_match.": "http.matchers.file.",
}

// elsewhere are placeholders of Caddy's that dwaar does not fill.
var elsewhere = map[string]string{
	"http.request.body":        "the body of a request is never read for a placeholder",
	"http.request.body_base64": "the body of a request is never read for a placeholder",
	"http.response.":           "what an upstream answered is changed by header, with find and replace",
	"http.reverse_proxy.":      "of reverse_proxy there is upstream.hostport, upstream.host, upstream.port and upstream.address",
	"http.error.":              "of a failure there is status_code, status_text and message",
	"http.auth.user.":          "of a user there is id",
	"http.intercept.":          "intercept is not supported by dwaar",
	"resp.":                    "intercept is not supported by dwaar",
	"file./":                   "files are not read for a placeholder",
}

// fullName is what a name is short for, or itself.
func fullName(name string) string {
	if l, ok := long[name]; ok {
		return l
	}
	for short, l := range families {
		if rest, ok := strings.CutPrefix(name, short); ok {
			return l + rest
		}
	}
	return name
}

// lookup finds the value a name stands for.
func lookup(name string) (value, error) {
	full := fullName(name)
	if v, ok := values[full]; ok {
		return v, nil
	}
	if v := constant(full); v != nil {
		return v, nil
	}
	for _, of := range []func(string) value{ofRequest, ofPath, ofState, ofClientNames} {
		if v := of(full); v != nil {
			return v, nil
		}
	}
	for prefix, why := range elsewhere {
		if strings.HasPrefix(full, prefix) {
			return nil, fmt.Errorf("the placeholder {%s} is not supported by dwaar: %s", name, why)
		}
	}
	return nil, unknown(name)
}

// known are the names to compare a misspelt one with.
func known() []string {
	return slices.Concat(slices.Sorted(maps.Keys(long)), slices.Sorted(maps.Keys(values)))
}
