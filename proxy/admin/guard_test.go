package admin_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"dwaar/proxy/admin"
)

// onTCP serves on a free loopback port with the token "secret".
func onTCP(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	serve(t, admin.Config{Listen: addr, Token: "secret"}, newController())
	return addr
}

func TestTCPIsGuardedByTokenHostAndOrigin(t *testing.T) {
	addr := onTCP(t)
	_, port, _ := net.SplitHostPort(addr)
	cases := []struct {
		name, path, auth, host, origin string
		want                           int
	}{
		{"with the token", "/status", "Bearer secret", "", "", 200},
		{"scheme in small letters", "/status", "bearer secret", "", "", 200},
		{"by the name localhost", "/status", "Bearer secret", "localhost:" + port, "", 200},
		{"without a token", "/status", "", "", "", 401},
		{"with a wrong token", "/status", "Bearer secreT", "", "", 401},
		{"with a longer token", "/status", "Bearer secretsecret", "", "", 401},
		{"with another scheme", "/status", "Basic secret", "", "", 401},
		{"metrics without a token", "/metrics", "", "", "", 401},
		{"a rebound name", "/status", "Bearer secret", "evil.example:" + port, "", 421},
		{"a rebound name at a probe", "/healthz", "", "evil.example", "", 421},
		{"a foreign page", "/status", "Bearer secret", "", "http://evil.example", 403},
		{"a page from a file", "/status", "Bearer secret", "", "null", 403},
		{"its own page", "/status", "Bearer secret", addr, "http://" + addr, 200},
		{"the live probe", "/healthz", "", "", "", 200},
		{"the ready probe", "/readyz", "", "", "", 200},
	}
	for _, c := range cases {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", c.auth)
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		if c.host != "" {
			req.Host = c.host
		}
		resp, err := http.DefaultClient.Do(req)
		if got := body(t, resp, err); resp.StatusCode != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, resp.StatusCode, got, c.want)
		}
	}
}

func TestProbesAreNoWayToAct(t *testing.T) {
	addr := onTCP(t)
	resp, err := http.Post("http://"+addr+"/healthz", "", nil)
	body(t, resp, err)
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("POST /healthz without a token = %d, want 401", resp.StatusCode)
	}
}

func TestClientSendsItsToken(t *testing.T) {
	addr := onTCP(t)
	if s, err := client(t, addr, "secret").Status(t.Context()); err != nil || s.Version != "v1" {
		t.Errorf("status = %v, %v", s, err)
	}
	_, err := client(t, addr, "wrong").Status(t.Context())
	var answer *admin.Error
	if !errors.As(err, &answer) || answer.Code != 401 || !strings.Contains(err.Error(), "token is missing or wrong") {
		t.Errorf("with a wrong token: %v", err)
	}
}

func TestClientOfTCPNeedsAToken(t *testing.T) {
	_, err := admin.NewClient(admin.Address{Network: "tcp", Addr: "localhost:2019"}, "")
	if err == nil || !strings.Contains(err.Error(), "$DWAAR_ADMIN_TOKEN") {
		t.Errorf("err = %v, want it to say where the token goes", err)
	}
}
