package admin_test

import (
	"log/slog"
	"strings"
	"testing"

	"dwaar/proxy/admin"
)

func TestBadConfigsAreRefusedByName(t *testing.T) {
	cases := []struct {
		cfg  admin.Config
		want string
	}{
		{admin.Config{}, "neither unix//PATH nor host:port nor off"},
		{admin.Config{Listen: "localhost"}, "neither unix//PATH nor host:port nor off"},
		{admin.Config{Listen: "unix/run/x.sock"}, "the path of a socket is absolute"},
		{admin.Config{Listen: "unix//run/\x00"}, "no NUL byte"},
		{admin.Config{Listen: "unix//" + strings.Repeat("x", 100)}, "101 bytes long and at most 100 work everywhere: set a shorter one with the option admin"},
		{admin.Config{Listen: "localhost:0", Token: "t"}, "a number from 1 to 65535"},
		{admin.Config{Listen: "localhost:http", Token: "t"}, "a number from 1 to 65535"},
		{admin.Config{Listen: "127.0.0.1:2019"}, "a TCP address needs a token"},
	}
	for _, c := range cases {
		_, err := admin.New(c.cfg, newController(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), "admin: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q): %v, want %q", c.cfg.Listen, err, c.want)
		}
	}
}

func TestGoodConfigsPass(t *testing.T) {
	for _, cfg := range []admin.Config{
		{Listen: "off"},
		{Listen: admin.DefaultListen("/var/lib/dwaar")},
		{Listen: "unix//" + strings.Repeat("x", 99)},
		{Listen: "[::1]:2019", Token: "t"},
		{Listen: ":2019", Token: "t"},
	} {
		if err := cfg.Check(); err != nil {
			t.Errorf("Check(%q) = %v", cfg.Listen, err)
		}
	}
}

func TestTargetIsAPathOrAnAddress(t *testing.T) {
	t.Chdir("/")
	cases := map[string]string{
		"unix//run/a.sock": "unix//run/a.sock",
		"/run/a.sock":      "unix//run/a.sock",
		"run/a.sock":       "unix//run/a.sock",
		"a.sock":           "unix//a.sock",
		"/run/a:1":         "unix//run/a:1",
		"localhost:2019":   "localhost:2019",
	}
	for in, want := range cases {
		if got, err := admin.ParseTarget(in); err != nil || got.String() != want {
			t.Errorf("ParseTarget(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "unix/x", "localhost:", "/" + strings.Repeat("x", 100)} {
		if got, err := admin.ParseTarget(bad); err == nil {
			t.Errorf("ParseTarget(%q) = %v, want an error", bad, got)
		}
	}
}
