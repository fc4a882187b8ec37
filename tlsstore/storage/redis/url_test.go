package redis_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"dwaar/tlsstore/storage/redis"
)

func TestURLsAreCheckedAndRedacted(t *testing.T) {
	for _, c := range []struct{ url, wrong, shown string }{
		{"redis://host", "", "redis://host"},
		{"redis://host:6380/3", "", "redis://host:6380/3"},
		{"rediss://user:hunter2@host/0", "", "rediss://user:xxxxx@host/0"},
		{"redis://:hunter2@[::1]:6379/0", "", "redis://:xxxxx@[::1]:6379/0"},
		{"unix:///run/redis.sock?db=2", "", "unix:///run/redis.sock?db=2"},
		{"unix://:hunter2@/run/redis.sock", "", "unix://:xxxxx@/run/redis.sock"},
		{"env:REDIS_URL", "", "env:REDIS_URL"},
		{"file:/run/secrets/redis", "", "file:/run/secrets/redis"},
		{"", "no server is named", ""},
		{"env:", "names nothing", "env:"},
		{"host:6379", "a server is written", "…"},
		{"http://:hunter2@host", "a server is written", "…"},
		{"redis://", "names no host", "…"},
		{"redis://host/first", "names no database", "…"},
		{"redis://host/0?password=hunter2", "options behind a question mark", "…"},
		{"redis://:hunter2#@host/0", "cannot be read", "…"},
		{"redis://:hunter2/3@host/0", "cannot be read", "…"},
		{"redis://host:hunter2", "cannot be read", "…"},
		{"redis://host/0#hunter2", "cannot be read", "…"},
		{"unix://run/redis.sock", "names no socket", "…"},
		{"unix:///run/redis.sock?password=hunter2", "unknown option", "…"},
	} {
		u := redis.URL(c.url)
		err := u.Check()
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("Check(%s) = %v, want %q", c.url, err, c.wrong)
		}
		if u.String() != c.shown {
			t.Errorf("%s is shown as %s, want %s", c.url, u, c.shown)
		}
		if strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("the password is in %v", err)
		}
	}
}

func TestEverythingWrongWithTheSettingsIsSaid(t *testing.T) {
	cfg := redis.Config{URL: "redis://host", KeyPrefix: "a b", Lease: time.Millisecond, TLS: redis.TLS{CertFile: "cert.pem"}}
	want := []string{`key_prefix: "a b" is no prefix`, "lease: 1ms is shorter than 300ms", "tls: a certificate comes with its key", "tls: the URL is not rediss://"}
	err := cfg.Check()
	for _, text := range want {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("Check = %v, want %q", err, text)
		}
	}
	if _, err := redis.Open(cfg, nil); err == nil {
		t.Error("Open takes what Check refuses")
	}
}

// No way of printing a URL tells the password in it, also of one that is wrong.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"redis://user:%s@host:6379/0", "rediss://:%s@host", "unix://:%s@/run/x", "redis://host/%s", "redis://%s", "://:%s@", "redis://u:a%%2F%s@h/0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, form string) {
		if strings.Count(form, "%s") != 1 || !strings.Contains(form, ":%s@") {
			return
		}
		u := redis.URL(strings.ReplaceAll(form, "%s", secret))
		if strings.HasPrefix(string(u), "env:") || strings.HasPrefix(string(u), "file:") {
			return
		}
		marshalled, _ := json.Marshal(u)
		all := fmt.Sprintf("%s %v %+v %#v %q %s %v", u, u, u, u, u, marshalled, u.Check())
		if strings.Contains(all, secret) {
			t.Errorf("%s shows as %s", form, all)
		}
	})
}
