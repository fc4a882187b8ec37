package proxy_test

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"dwaar/proxy"
	"dwaar/proxy/handler"
	"dwaar/proxy/request"
)

// teller is a directive that answers with what it finds out about a request.
type teller func(*http.Request) string

func (teller) Name() string { return "teller" }

func (tell teller) Compile(*handler.Env) (handler.Middleware, error) {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, tell(r)) })
	}, nil
}

func TestClientIPIsFoundBehindTrustedProxies(t *testing.T) {
	const left, strict = false, true
	for _, c := range []struct {
		name    string
		proxies string
		strict  bool
		headers []string // the fields to look at
		sent    []string // "Field: value"
		want    string
	}{
		{"nobody is trusted", "", left, nil, []string{"X-Forwarded-For: 192.0.2.1"}, "127.0.0.1"},
		{"another peer is trusted", "10.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 192.0.2.1"}, "127.0.0.1"},
		{"nothing is said", "127.0.0.0/8", strict, nil, nil, "127.0.0.1"},
		{"left-most", "127.0.0.0/8", left, nil, []string{"X-Forwarded-For: 6.6.6.6, 192.0.2.1"}, "6.6.6.6"},
		{"left-most that is an address", "127.0.0.0/8", left, nil, []string{"X-Forwarded-For: unknown, 6.6.6.6"}, "6.6.6.6"},
		{"right-most", "127.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 6.6.6.6, 192.0.2.1"}, "192.0.2.1"},
		{"right-most over proxies", "127.0.0.0/8 10.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 6.6.6.6,192.0.2.1 ,10.1.2.3"}, "192.0.2.1"},
		{"right-most over fields", "127.0.0.0/8 10.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 10.1.2.3"}, "192.0.2.1"},
		{"proxies only", "127.0.0.0/8 10.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 10.1.2.3"}, "10.1.2.3"},
		{"garbage hides what is left of it", "127.0.0.0/8 10.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 6.6.6.6, unknown, 10.1.2.3"}, "10.1.2.3"},
		{"empty", "127.0.0.0/8", strict, nil, []string{"X-Forwarded-For: "}, "127.0.0.1"},
		{"port", "127.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6", "127.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 2001:DB8::1"}, "2001:db8::1"},
		{"IPv6 with port", "127.0.0.0/8", strict, nil, []string{"X-Forwarded-For: [2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv6 with zone", "127.0.0.0/8", strict, nil, []string{"X-Forwarded-For: [fe80::1%eth0]"}, "fe80::1"},
		{"zone does not hide a proxy", "127.0.0.0/8 fe80::/10", strict, nil, []string{"X-Forwarded-For: 192.0.2.1, fe80::1%eth0"}, "192.0.2.1"},
		{"IPv4 in IPv6", "127.0.0.0/8 10.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.1"}, "192.0.2.1"},
		{"network of IPv4 in IPv6", "::ffff:127.0.0.0/104", strict, nil, []string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
		{"no port at all", "127.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 192.0.2.1:x"}, "127.0.0.1"},
		{"too many", "127.0.0.0/8 10.0.0.0/8", strict, nil, []string{"X-Forwarded-For: 6.6.6.6" + strings.Repeat(",10.0.0.1", 200)}, "10.0.0.1"},
		{"another field", "127.0.0.0/8", strict, []string{"cf-connecting-ip"}, []string{"X-Forwarded-For: 6.6.6.6", "CF-Connecting-IP: 192.0.2.1"}, "192.0.2.1"},
		{"the first field that is there", "127.0.0.0/8", left, []string{"X-Real-IP", "X-Forwarded-For"}, []string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := plain(handler.Chain{{Directive: teller(func(r *http.Request) string { return request.Of(r).ClientIP.String() })}})
			for _, network := range strings.Fields(c.proxies) {
				cfg.Trust.Proxies = append(cfg.Trust.Proxies, netip.MustParsePrefix(network))
			}
			if c.proxies != "" {
				cfg.Trust.Headers, cfg.Trust.Strict = c.headers, c.strict
			}
			server := start(t, cfg)
			request, _ := http.NewRequest(http.MethodGet, "http://a.test", nil)
			for _, line := range c.sent {
				name, value, _ := strings.Cut(line, ": ")
				request.Header.Add(name, value)
			}
			response, err := server.client(loopback).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if got := body(t, response); got != c.want {
				t.Errorf("client_ip = %q, want %q", got, c.want)
			}
		})
	}
}

func TestBadTrustIsRefused(t *testing.T) {
	for want, trust := range map[string]proxy.Trust{
		"trust: there are no trusted proxies that its options could be for": {Strict: true},
		`trust: "a b" is not the name of a header field`:                    {Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Headers: []string{"a b"}},
		"trust: invalid Prefix is not a network":                            {Proxies: []netip.Prefix{{}}},
	} {
		if err := (proxy.Config{Trust: trust}).Check(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
