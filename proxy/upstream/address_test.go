package upstream_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/proxy/upstream"
)

func TestAddressIsReadAsWritten(t *testing.T) {
	for written, want := range map[string]string{
		"localhost:9000":         "http://localhost:9000",
		"app.internal":           "http://app.internal:80",
		"my_app:9000":            "http://my_app:9000",
		":9000":                  "http://localhost:9000",
		"http://10.0.0.1":        "http://10.0.0.1:80",
		"https://app.test":       "https://app.test:443",
		"https://app.test:8443":  "https://app.test:8443",
		"[::1]:9000":             "http://[::1]:9000",
		"https://[::1]":          "https://[::1]:443",
		"unix//run/app.sock":     "unix//run/app.sock",
		"unix+h2c//run/app.sock": "unix+h2c//run/app.sock",
		"h2c://app.test:50051":   "h2c://app.test:50051",
		"http://localhost:65535": "http://localhost:65535",
	} {
		got, err := upstream.ParseAddress(written)
		if err != nil || got.String() != want {
			t.Errorf("ParseAddress(%q) = %v, %v, want %s", written, got, err, want)
		}
	}
}

func TestBadAddressIsRefused(t *testing.T) {
	for written, want := range map[string]string{
		"":                        `"" is not a host`,
		"ftp://a:1":               "the scheme is neither http nor https nor h2c",
		"http://a/path":           "only a host and a port are allowed",
		"http://a?q":              "only a host and a port are allowed",
		"http://u@a":              "only a host and a port are allowed",
		"{host}:80":               "placeholders are not supported here",
		"a:b":                     `"b" is not a port`,
		"a:8080-8090":             "ranges of ports are not supported: write an upstream for each",
		"a:0":                     `"0" is not a port`,
		"a:70000":                 `"70000" is not a port`,
		"a:1:2":                   "not a host and a port",
		"a b:80":                  `"a b" is not a host`,
		"[":                       `"[" is not a host`,
		"bücher.test":             `"bücher.test" is not a host`,
		"[::g]:80":                `"::g" is not a host`,
		"unix/relative.sock":      "the path of the socket is not absolute",
		"http://example.com:80/x": "only a host and a port are allowed",
	} {
		_, err := upstream.ParseAddress(written)
		if full := `reverse_proxy: upstream "` + written + `": ` + want; err == nil || err.Error() != full {
			t.Errorf("ParseAddress(%q): %v, want %s", written, err, full)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"a:1", ":1", "http://[::1]:80", "unix//x", "https://a.b", "[::1", "a:1:2", "[", "unix/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		address, err := upstream.ParseAddress(written)
		if err != nil {
			return
		}
		again, err := upstream.ParseAddress(address.String())
		if err != nil || again != address {
			t.Errorf("%q is %v, which is read as %v, %v", written, address, again, err)
		}
	})
}

func TestBadConfigIsRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cfg  upstream.Config
		want string
	}{
		{"no upstream", upstream.Config{}, "reverse_proxy: no upstream"},
		{"bad upstream", to("a:b"), `reverse_proxy: upstream "a:b": "b" is not a port`},
		{"negative dial timeout", upstream.Config{Upstreams: []string{"a"}, Transport: upstream.Transport{DialTimeout: -1}}, "reverse_proxy: dial_timeout is negative: -1ns"},
		{"negative header timeout", upstream.Config{Upstreams: []string{"a"}, Transport: upstream.Transport{ResponseHeaderTimeout: -1}}, "reverse_proxy: response_header_timeout is negative: -1ns"},
		{"missing roots", upstream.Config{Upstreams: []string{"a"}, Transport: upstream.Transport{TLS: &upstream.TLS{Roots: []string{"/nowhere.pem"}}}}, "reverse_proxy: reading upstream CA: open /nowhere.pem"},
		{"empty roots", upstream.Config{Upstreams: []string{"a"}, Transport: upstream.Transport{TLS: &upstream.TLS{Roots: []string{empty}}}}, "no certificate in it"},
	} {
		_, err := upstream.New(c.cfg, upstream.Edits{}, upstream.NewPools().Lease(), slog.New(slog.DiscardHandler), plain)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
