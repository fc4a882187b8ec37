package placeholder_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

func asked() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/a%20b/c?x=1&y=%2F", nil)
	r.Host = "www.example.test:8443"
	r.RemoteAddr = "192.0.2.7:4711"
	r.TLS = &tls.ConnectionState{}
	r.Header.Set("User-Agent", "tester")
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Set("Cookie", "session=abc")
	return r
}

func TestPlaceholdersStandForValuesOfTheRequest(t *testing.T) {
	t.Setenv("DWAAR_TEST", "from the environment")
	for text, want := range map[string]string{
		"":                                 "",
		"plain":                            "plain",
		"{host}":                           "www.example.test",
		"{hostport}":                       "www.example.test:8443",
		"{port}":                           "8443",
		"{method}":                         "POST",
		"{path}":                           "/a b/c",
		"{uri}":                            "/a%20b/c?x=1&y=%2F",
		"{query}":                          "x=1&y=%2F",
		"{scheme}":                         "https",
		"{remote}":                         "192.0.2.7:4711",
		"{remote_host}":                    "192.0.2.7",
		"{remote_port}":                    "4711",
		"{header.user-agent}":              "tester",
		"{header.X-Two}":                   "1,2",
		"{header.Host}":                    "www.example.test:8443",
		"{header.Absent}":                  "",
		"{query.y}":                        "/",
		"{query.absent}":                   "",
		"{cookie.session}":                 "abc",
		"{cookie.absent}":                  "",
		"{env.DWAAR_TEST}":                 "from the environment",
		"{env.DWAAR_ABSENT}":               "",
		"{http.request.host}":              "www.example.test",
		"{http.request.hostport}":          "www.example.test:8443",
		"{http.request.port}":              "8443",
		"{http.request.method}":            "POST",
		"{http.request.uri}":               "/a%20b/c?x=1&y=%2F",
		"{http.request.uri.path}":          "/a b/c",
		"{http.request.uri.query}":         "x=1&y=%2F",
		"{http.request.uri.query.x}":       "1",
		"{http.request.header.User-Agent}": "tester",
		"{http.request.cookie.session}":    "abc",
		"{http.request.scheme}":            "https",
		"{http.request.proto}":             "HTTP/1.1",
		"{http.request.remote}":            "192.0.2.7:4711",
		"{http.request.remote.host}":       "192.0.2.7",
		"{http.request.remote.port}":       "4711",
		"a{method}b{scheme}c":              "aPOSTbhttpsc",
		"{method}{method}":                 "POSTPOST",
		`\{method}`:                        "{method}",
		`x\{nonsense}y`:                    "x{nonsense}y",
		`{"json": {"a": [1, {}]}}`:         `{"json": {"a": [1, {}]}}`,
		`{"method": "{method}"}`:           `{"method": "POST"}`,
		"{ method }":                       "{ method }",
		"{0}{} {{":                         "{0}{} {{",
		"{{method}}":                       "{POST}",
		"{method":                          "{method",
		"$1 {method}":                      "$1 POST",
	} {
		compiled, err := placeholder.Compile(text)
		if err != nil {
			t.Errorf("Compile(%q): %v", text, err)
			continue
		}
		if got := compiled.Expand(asked()); got != want {
			t.Errorf("%q = %q, want %q", text, got, want)
		}
	}
}

func TestHostAndPortWithoutOneInTheRequest(t *testing.T) {
	text, err := placeholder.Compile("{scheme}://{host}:{port}")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for host, want := range map[string]string{
		"a.test":    "http://a.test:80",
		"a.test:81": "http://a.test:81",
		"[::1]":     "http://[::1]:80",
		"[::1]:81":  "http://[::1]:81",
		"":          "http://:80",
	} {
		r.Host = host
		if got := text.Expand(r); got != want {
			t.Errorf("Host %q: %q, want %q", host, got, want)
		}
	}
	r.Host, r.TLS = "a.test", &tls.ConnectionState{}
	if got := text.Expand(r); got != "https://a.test:443" {
		t.Errorf("on TLS: %q", got)
	}
}

func TestUnknownPlaceholderIsRefused(t *testing.T) {
	for _, name := range []string{"http.request.nothing", "header.", "query.", "env.", "cookie.", "re.", "labels.x", "nonsense", "vars."} {
		_, err := placeholder.Compile("text {" + name + "}")
		if want := "unknown placeholder {" + name + `} (\{` + name + "} is the text itself)"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("{%s}: %v, want %s", name, err, want)
		}
	}
}

func TestTextWithoutPlaceholdersCostsNothing(t *testing.T) {
	text, err := placeholder.Compile(`{"json": true}`)
	if err != nil {
		t.Fatal(err)
	}
	r := asked()
	if n := testing.AllocsPerRun(100, func() { text.Expand(r) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"{host}", `\{host}`, "{{host}}", "{", "{a", `{"a":"{path}"}`, "{env.X}", "{re.a.1}", "{?query}", "{path.0}{labels.1}", "{file./x}", "{orig_?query}"} {
		f.Add(seed)
	}
	r := request.With(asked(), new(request.State))
	f.Fuzz(func(t *testing.T, text string) {
		placeholder.Captures(text)
		if compiled, err := placeholder.Compile(text); err == nil {
			if all, appended := compiled.Expand(r), string(compiled.Append(nil, r)); all != appended && !strings.Contains(text, "time.now") {
				t.Errorf("%q is %q, appended %q", text, all, appended)
			}
		}
	})
}

// seen is a request that has been through dwaar: rewritten, matched, failed.
func seen(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/docs/old/file.tar.gz?a=1&b=2", nil)
	r.Host = "www.Shop.example.test:8443"
	r.RemoteAddr = "[2001:db8::1]:4711"
	template := &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "ann"}, DNSNames: []string{"ann.test"}, EmailAddresses: []string{"ann@a.test"},
		IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}, URIs: []*url.URL{{Scheme: "spiffe", Host: "a"}},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	r.TLS = &tls.ConnectionState{
		Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: "sni.test", NegotiatedProtocol: "h2",
		PeerCertificates: []*x509.Certificate{cert},
	}
	s := &request.State{
		ClientIP: netip.MustParseAddr("192.0.2.9"), User: "ben", Upstream: "10.0.0.2:80",
		Failure:  request.Failure{Status: 502, Err: errors.New("refused")},
		Received: request.Received{Method: http.MethodPut, Host: "x", URI: "/in/the%20beginning.html?was=true"},
	}
	s.SetVar("color", "blue")
	s.SetVar("root", "/srv")
	return request.With(r, s)
}

func TestPlaceholdersStandForWhatDwaarKnows(t *testing.T) {
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	r := seen(t)
	cert := r.TLS.PeerCertificates[0]
	for text, want := range map[string]string{
		"{client_ip}": "192.0.2.9", "{http.vars.client_ip}": "192.0.2.9",
		"{dir}": "/docs/old/", "{file}": "file.tar.gz", "{file.base}": "file.tar", "{file.ext}": ".gz",
		"{path.0}": "docs", "{path.2}": "file.tar.gz", "{path.3}": "", "{http.request.uri.path.1}": "old",
		"{?query}": "?a=1&b=2", "{%query}": "a%3D1%26b%3D2", "{%path}": "%2Fdocs%2Fold%2Ffile.tar.gz", "{%uri}": "%2Fdocs%2Fold%2Ffile.tar.gz%3Fa%3D1%26b%3D2",
		"{labels.0}.{labels.1}.{labels.2}.{labels.3}.{labels.4}":                                       "test.example.shop.www.",
		"{orig_method} {orig_uri}":                                                                     "PUT /in/the%20beginning.html?was=true",
		"{orig_path} {orig_dir} {orig_file} {orig_query} {orig_?query} {http.request.orig_uri.path.0}": "/in/the beginning.html /in/ the beginning.html was=true ?was=true in",
		"{http.request.orig_uri.path}":                                                                 "/in/the beginning.html",
		"{vars.color} {http.vars.root} {vars.none}":                                                    "blue /srv ",
		"{http.auth.user.id}":                                                                          "ben",
		"{upstream_hostport} {rp.upstream.hostport}":                                                   "10.0.0.2:80 10.0.0.2:80",
		"{rp.upstream.host} {rp.upstream.port}":                                                        "10.0.0.2 80",
		"{err.status_code} {err.status_text}":                                                          "502 Bad Gateway",
		"{err.message} {http.error}":                                                                   "refused refused",
		"{tls_version} {tls_cipher} {tls_sni}":                                                         "tls1.3 TLS_AES_128_GCM_SHA256 sni.test",
		"{http.request.tls.proto}":                                                                     "h2",
		"{http.request.tls.resumed}":                                                                   "false",
		"{tls_client_subject} {tls_client_issuer}":                                                     "CN=ann CN=ann",
		"{tls_client_serial}":                                                                          "4711",
		"{tls_client_fingerprint}":                                                                     fmt.Sprintf("%x", sha256.Sum256(cert.Raw)),
		"{http.request.tls.client.public_key_sha256}":                                                  fmt.Sprintf("%x", sha256.Sum256(cert.RawSubjectPublicKeyInfo)),
		"{http.request.tls.client.public_key}":                                                         fmt.Sprintf("%x", cert.RawSubjectPublicKeyInfo),
		"{tls_client_certificate_pem}":                                                                 string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
		"{tls_client_certificate_der_base64}":                                                          base64.StdEncoding.EncodeToString(cert.Raw),
		"{http.request.tls.client.san.dns_names.0}":                                                    "ann.test",
		"{http.request.tls.client.san.emails.0}":                                                       "ann@a.test",
		"{http.request.tls.client.san.ips.0}":                                                          "10.0.0.1",
		"{http.request.tls.client.san.uris.0}":                                                         "spiffe://a",
		"{http.request.tls.client.san.dns_names.1}":                                                    "",
		"{system.hostname} {system.os}{system.slash}":                                                  hostname + " " + runtime.GOOS + "/",
		"{remote_host} {remote_port}":                                                                  "2001:db8::1 4711",
		"{http.request.local}{http.request.duration}":                                                  "0s",
		"{time.now.year}":                                                                              strconv.Itoa(time.Now().Year()),
		"{http.matchers.file.relative}{file_match.type}":                                               "",
	} {
		compiled, err := placeholder.Compile(text)
		if err != nil {
			t.Errorf("Compile(%q): %v", text, err)
			continue
		}
		if got := compiled.Expand(r); got != want {
			t.Errorf("%s = %q, want %q", text, got, want)
		}
		if got := string(compiled.Append([]byte("> "), r)); got != "> "+want {
			t.Errorf("appended, %s = %q", text, got)
		}
	}
}

// A plain request has none of it, and no placeholder minds.
func TestPlaceholdersOfARequestThatHasNothing(t *testing.T) {
	for _, text := range []string{
		"{tls_version}{tls_cipher}{tls_sni}{http.request.tls.proto}{http.request.tls.resumed}{tls_client_subject}{tls_client_certificate_pem}",
		"{err.status_code}{err.message}{err.status_text}{http.auth.user.id}{upstream_hostport}{rp.upstream.port}{re.x.1}{vars.x}{labels.200}",
	} {
		compiled, err := placeholder.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := compiled.Expand(httptest.NewRequest(http.MethodGet, "/", nil)); got != "" {
			t.Errorf("%s = %q", text, got)
		}
	}
}

func TestARequestHasOneUUID(t *testing.T) {
	compiled, err := placeholder.Compile("{uuid} {http.request.uuid}")
	if err != nil {
		t.Fatal(err)
	}
	r := seen(t)
	first, second, _ := strings.Cut(compiled.Expand(r), " ")
	if first != second || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(first) {
		t.Errorf("%s and %s", first, second)
	}
	if other := compiled.Expand(seen(t)); strings.HasPrefix(other, first) {
		t.Error("two requests have the same")
	}
}

func TestAMisspeltPlaceholderIsRefusedWithTheOneThatWasMeant(t *testing.T) {
	for name, want := range map[string]string{
		"hots":                   `unknown placeholder {hots} (\{hots} is the text itself): did you mean {host}?`,
		"remote_adr":             `unknown placeholder {remote_adr} (\{remote_adr} is the text itself): did you mean {remote_port}?`,
		"http.request.body":      "the placeholder {http.request.body} is not supported by dwaar: the body of a request is never read for a placeholder",
		"rp.status_code":         "the placeholder {rp.status_code} is not supported by dwaar: of reverse_proxy there is upstream.hostport, upstream.host, upstream.port and upstream.address",
		"http.response.header.X": "the placeholder {http.response.header.X} is not supported by dwaar: what an upstream answered is changed by header, with find and replace",
		"file./etc/motd":         "the placeholder {file./etc/motd} is not supported by dwaar: files are not read for a placeholder",
	} {
		if _, err := placeholder.Compile("{" + name + "}"); err == nil || err.Error() != want {
			t.Errorf("{%s}: %v, want %s", name, err, want)
		}
	}
}

func BenchmarkExpand(b *testing.B) {
	for _, text := range []string{"plain", "{host}", "https://{host}{uri}", "{client_ip} {vars.color} {method} {header.User-Agent}", "{query.x}"} {
		b.Run(text, func(b *testing.B) {
			compiled, err := placeholder.Compile(text)
			if err != nil {
				b.Fatal(err)
			}
			r := request.With(asked(), &request.State{ClientIP: netip.MustParseAddr("192.0.2.9")})
			b.ReportAllocs()
			for b.Loop() {
				compiled.Expand(r)
			}
		})
	}
}
