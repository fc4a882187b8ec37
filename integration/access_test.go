package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mtls starts a site for the holders of a certificate, made by the commands of
// docs/access-control.md, beside one for all.
func mtls(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	page := must(t)(os.ReadFile("../docs/access-control.md")).([]byte)
	commands := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	if commands == nil {
		t.Fatal("docs/access-control.md tells no commands")
	}
	script := exec.CommandContext(t.Context(), "sh", "-euc", string(commands[1]))
	script.Dir = h.Dir
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("the commands of docs/access-control.md: %v\n%s", err, out)
	}
	h.site(h.leaf("staff.test"), "client_auth {\n\t\t\ttrust_pool file staff-ca.pem\n\t\t}\n\t\tprotocols tls1.2")
	h.site(h.leaf("modern.test"), "protocols tls1.3")
	h.site(h.leaf("open.test"), "")
	h.start("default_sni open.test", "")
	return h
}

// curl asks over a connection of its own, and returns "STATUS BODY", or "" and
// why there is no answer.
func (h *house) curl(args ...string) (answer string, err error) {
	h.t.Helper()
	port := fmt.Sprint(h.HTTPS)
	all := []string{"-sS", "--max-time", "20", "--cacert", h.roots, "-w", " %{http_code} HTTP/%{http_version}"}
	for _, name := range []string{"open.test", "staff.test", "modern.test"} {
		all = append(all, "--resolve", name+":"+port+":127.0.0.1")
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "PORT", port)
	}
	cmd := exec.CommandContext(h.t.Context(), "curl", append(all, args...)...)
	cmd.Dir = h.Dir
	out, err := cmd.Output()
	return string(out), err
}

// Nobody gets into a site with client_auth without a certificate, whatever way
// the request takes, and who has one does.
func TestNobodyGetsAroundClientCertificates(t *testing.T) {
	t.Parallel()
	h := mtls(t)
	for _, c := range []struct {
		what string
		args []string
		want string // part of the answer; "" for none
	}{
		{"a client with a certificate", []string{"--cert", "ann.pem", "--key", "ann.key", "https://staff.test:PORT/"}, "staff.test 200 HTTP/2"},
		{"the same over HTTP/1.1", []string{"--http1.1", "--cert", "ann.pem", "--key", "ann.key", "https://staff.test:PORT/"}, "staff.test 200 HTTP/1.1"},
		{"the same over TLS 1.2", []string{"--tls-max", "1.2", "--cert", "ann.pem", "--key", "ann.key", "https://staff.test:PORT/"}, "staff.test 200"},
		{"no certificate", []string{"https://staff.test:PORT/"}, ""},
		{"no certificate over TLS 1.2", []string{"--tls-max", "1.2", "https://staff.test:PORT/"}, ""},
		{"a certificate of nobody", []string{"--cert", "mallory.pem", "--key", "mallory.key", "https://staff.test:PORT/"}, ""},
		{"the open site", []string{"https://open.test:PORT/"}, "open.test 200"},
		{"a forged Host", []string{"--http1.1", "-H", "Host: staff.test", "https://open.test:PORT/"}, " 421 "},
		{"a forged authority", []string{"--http2", "-H", "Host: staff.test", "https://open.test:PORT/"}, " 421 HTTP/2"},
		{"other case, a dot and a port", []string{"--http1.1", "-H", "Host: STAFF.test.:PORT", "https://open.test:PORT/"}, " 421 "},
		{"a whole URL", []string{"--http1.1", "--request-target", "https://staff.test/", "https://open.test:PORT/"}, " 421 "},
		{"a whole URL and a port", []string{"--http1.1", "--request-target", "http://sTaff.test:1/", "https://open.test:PORT/"}, " 421 "},
		{"no SNI", []string{"-k", "-H", "Host: staff.test", "https://127.0.0.1:PORT/"}, " 421 "},
		{"a certificate that was not asked for", []string{"--cert", "ann.pem", "--key", "ann.key", "-H", "Host: staff.test", "https://open.test:PORT/"}, " 421 "},
		{"from the guarded site to the open one", []string{"--cert", "ann.pem", "--key", "ann.key", "-H", "Host: open.test", "https://staff.test:PORT/"}, " 421 "},
		{"TLS 1.3 where it is the lowest", []string{"https://modern.test:PORT/"}, "modern.test 200"},
		{"TLS 1.2 where 1.3 is the lowest", []string{"--tls-max", "1.2", "https://modern.test:PORT/"}, ""},
		{"TLS 1.2 by the way of another site", []string{"--tls-max", "1.2", "-H", "Host: modern.test", "https://open.test:PORT/"}, " 421 "},
	} {
		if c.what == "a certificate of nobody" {
			stranger := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
				"-subj", "/CN=Staff CA", "-keyout", "mallory.key", "-out", "mallory.pem")
			stranger.Dir = h.Dir
			if out, err := stranger.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		answer, err := h.curl(c.args...)
		if c.want == "" && err == nil || c.want != "" && !strings.Contains(answer, c.want) || c.want == "" && strings.Contains(answer, "staff") {
			t.Errorf("%s: %q, %v; want %q", c.what, answer, err, c.want)
		}
	}
}

// A session that was begun at one site, or before the CA changed, opens no other.
func TestTicketsOpenNoOtherSite(t *testing.T) {
	t.Parallel()
	h := mtls(t)
	connect := func(name string, more ...string) string {
		args := append([]string{"s_client", "-connect", h.Addr(), "-servername", name, "-CAfile", h.roots, "-ign_eof"}, more...)
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = h.Dir
		cmd.Stdin = strings.NewReader("GET / HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n")
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	ann := []string{"-cert", "ann.pem", "-key", "ann.key"}
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		session := filepath.Join(h.Dir, "session"+version)
		if out := connect("open.test", version, "-sess_out", session); !strings.Contains(out, "200 OK") {
			t.Fatalf("%s: %s", version, out)
		}
		if out := connect("open.test", version, "-sess_in", session); !strings.Contains(out, "Reused") || !strings.Contains(out, "200 OK") {
			t.Errorf("%s: a session of the open site is not resumed:\n%s", version, out)
		}
		if out := connect("staff.test", version, "-sess_in", session); strings.Contains(out, "200 OK") || strings.Contains(out, "Reused") {
			t.Errorf("%s: a session of the open site opens the guarded one:\n%s", version, out)
		}
		if out := connect("staff.test", append(ann, version, "-sess_out", session)...); !strings.Contains(out, "200 OK") {
			t.Fatalf("%s: %s", version, out)
		}
		if out := connect("staff.test", version, "-sess_in", session); !strings.Contains(out, "Reused") || !strings.Contains(out, "200 OK") {
			t.Errorf("%s: a session of the guarded site is not resumed:\n%s", version, out)
		}
	}
	// Another CA in the same file, and a reload.
	other := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-subj", "/CN=Other CA", "-keyout", "other.key", "-out", "staff-ca.pem")
	other.Dir = h.Dir
	if out, err := other.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.Must("reload")
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		session := filepath.Join(h.Dir, "session"+version)
		if out := connect("staff.test", append(ann, version, "-sess_in", session)...); strings.Contains(out, "200 OK") {
			t.Errorf("%s: after its CA has gone, a client is let in:\n%s", version, out)
		}
	}
	if err := os.Remove(filepath.Join(h.Dir, "staff-ca.pem")); err != nil {
		t.Fatal(err)
	}
	if r := h.Do("reload"); r.Code == 0 || !strings.Contains(r.Text(), "staff-ca.pem") {
		t.Errorf("a reload without the CA's file: exit %d\n%s", r.Code, r.Text())
	}
	if r := h.Do("validate"); r.Code != 2 || !strings.Contains(r.Text(), "Dwaarfile:") {
		t.Errorf("validate without the CA's file: exit %d\n%s", r.Code, r.Text())
	}
}

// The guards stand one behind the other, and a password made by the command opens.
func TestTheGuardsOfASite(t *testing.T) {
	t.Parallel()
	asked := make(chan http.Header, 10)
	auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != "good" {
			http.SetCookie(w, &http.Cookie{Name: "next", Value: r.Header.Get("X-Forwarded-Uri")})
			http.Redirect(w, r, "https://login.test/", http.StatusFound)
			return
		}
		w.Header().Set("Remote-User", "ann")
	})
	hash := strings.TrimSpace(newHouse(t).Must("hash-password", "--cost", "5", "--plaintext", "correct horse").Stdout)
	h := proxied(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Clone() }, fmt.Sprintf(`
	ip_filter /denied {
		deny 127.0.0.0/8
	}
	rate_limit /limited {
		zone limited {
			key {client_ip}
			events 2
			window 1h
		}
	}
	basic_auth /password {
		ann %s
	}
	forward_auth /auth* %s {
		uri /verify
		copy_headers Remote-User
	}
	request_header X-User {http.auth.user.id}`, hash, strings.TrimPrefix(auth, "http://")))
	c := h.client(func(*http.Transport) {})
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ask := func(path string, change func(*http.Request)) *http.Response {
		t.Helper()
		r := must(t)(http.NewRequestWithContext(t.Context(), "POST", "https://proxy.test"+path, strings.NewReader("body"))).(*http.Request)
		if change != nil {
			change(r)
		}
		resp := must(t)(c.Do(r)).(*http.Response)
		_ = resp.Body.Close()
		return resp
	}
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	cookie := func(r *http.Request) { r.Header.Set("Cookie", "session=good"); r.Header.Set("Remote-User", "admin") }
	for i, want := range []struct {
		path   string
		change func(*http.Request)
		status int
		field  string // "NAME: VALUE" of the answer, or of what the upstream gets
	}{
		{"/", nil, 200, "X-User: "},
		{"/denied", nil, 403, ""}, {"/DENIED/../denied", nil, 403, ""},
		{"/limited", nil, 200, ""}, {"/limited", nil, 200, ""}, {"/limited", nil, 429, ""},
		{"/password", nil, 401, `Www-Authenticate: Basic realm="restricted", charset="UTF-8"`},
		{"/password", as("ann", "wrong"), 401, ""}, {"/password", as("bob", "correct horse"), 401, ""},
		{"/password", as("ann", "correct horse"), 200, "X-User: ann"},
		{"/auth?x=1", nil, 302, "Location: https://login.test/"},
		{"/auth?x=1", nil, 302, "Set-Cookie: next=/auth?x=1"},
		{"/auth", cookie, 200, "Remote-User: ann"},
	} {
		resp := ask(want.path, want.change)
		header := resp.Header
		if resp.StatusCode == 200 {
			header = <-asked
		}
		name, value, _ := strings.Cut(want.field, ": ")
		if resp.StatusCode != want.status || name != "" && strings.Join(header.Values(name), "|") != value {
			t.Errorf("%d: %s: %s, %s %q; want %d %s", i, want.path, resp.Status, name, header.Values(name), want.status, want.field)
		}
	}
	h.Must("reload")
	if resp := ask("/limited", nil); resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("after a reload: %s", resp.Status)
	}
	if len(asked) > 0 {
		t.Error("the upstream was asked by somebody who was refused")
	}
}
