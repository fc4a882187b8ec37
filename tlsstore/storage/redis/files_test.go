package redis_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/tlsstore/storage/redis"
)

func TestAnAddressIsShownWithoutItsPasswordWhereverItIsWritten(t *testing.T) {
	t.Setenv("DWAAR_TEST_REDIS", "redis://dwaar:hunter2@127.0.0.1:1/0\n")
	for url, want := range map[redis.URL]string{
		"env:DWAAR_TEST_REDIS":               "redis://dwaar:xxxxx@127.0.0.1:1/0",
		"env:DWAAR_NOT_SET":                  "env:DWAAR_NOT_SET",
		"rediss://:hunter2@redis.example":    "rediss://:xxxxx@redis.example",
		"unix:///run/redis/redis.sock?db=1":  "unix:///run/redis/redis.sock?db=1",
		"redis://dwaar:hunter2/0@127.0.0.1/": "…",
	} {
		if got := url.Resolved(); got != want {
			t.Errorf("%s is shown as %s, want %s", string(url), got, want)
		}
	}
}

func TestWhatTheSettingsNameIsCheckedWithoutAConnection(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.pem")
	if err := os.WriteFile(broken, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DWAAR_TEST_REDIS", "redis://:hunter2@127.0.0.1:1/0\n")
	t.Setenv("DWAAR_TEST_NOT_REDIS", "hunter2")
	for _, test := range []struct {
		name string
		cfg  redis.Config
		want []string // nil: nothing is wrong
	}{
		{"in the environment", redis.Config{URL: "env:DWAAR_TEST_REDIS"}, nil},
		{"nothing there", redis.Config{URL: "env:DWAAR_NOT_SET"}, []string{"url: env:DWAAR_NOT_SET: "}},
		{"no file", redis.Config{URL: "file:/nowhere/redis.url"}, []string{"url: ", "/nowhere/redis.url"}},
		{"no URL", redis.Config{URL: "env:DWAAR_TEST_NOT_REDIS"}, []string{"url: the URL that env:DWAAR_TEST_NOT_REDIS names: "}},
		{"no TLS there", redis.Config{URL: "env:DWAAR_TEST_REDIS", TLS: redis.TLS{ServerName: "redis.example"}}, []string{"tls: the URL is not rediss://"}},
		{"everything", redis.Config{URL: "env:DWAAR_NOT_SET", TLS: redis.TLS{CAFile: broken}}, []string{"url: ", "\ntls: ca: " + broken}},
		{"no pair", redis.Config{URL: "rediss://127.0.0.1:1", TLS: redis.TLS{CertFile: broken, KeyFile: broken}}, []string{"tls: cert: "}},
	} {
		err := test.cfg.CheckFiles()
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", test.name, err)
		}
		for _, want := range test.want {
			if err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("%s: %v, want %q and no password", test.name, err, want)
			}
		}
	}
}
