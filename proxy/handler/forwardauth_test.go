package handler_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/handler"
	"dwaar/proxy/request"
	"dwaar/proxy/upstream"
)

// judge starts an auth server.
func judge(t *testing.T, answer http.HandlerFunc) upstream.Config {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return upstream.Config{Upstreams: []string{server.Listener.Addr().String()}}
}

// behind is a site that shows what gets behind the auth server.
func behind(auth handler.ForwardAuth) handler.Chain {
	return handler.Chain{{Directive: auth}, {Directive: handler.Respond{Body: "{method} {uri} {header.Remote-User}|{header.Remote_User}{header.Remote.user}|{header.X-Groups}|{header.Groups}|{header.Connection}"}}}
}

func TestForwardAuthAsksWithTheClientsFieldsAndWithoutItsBody(t *testing.T) {
	var asked *http.Request
	var body []byte
	auth := judge(t, func(_ http.ResponseWriter, r *http.Request) {
		asked = r.Clone(t.Context())
		body, _ = io.ReadAll(r.Body)
	})
	r := httptest.NewRequest(http.MethodPost, "/app%2Fx?q=1", strings.NewReader("a body"))
	r.Host = "site.example"
	for field, value := range map[string]string{
		"Cookie": "session=1", "Authorization": "Bearer x", "X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/public",
		"X-Forwarded-Host": "other.example", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https",
		"If-None-Match": `"x"`, "Range": "bytes=0-1", "Expect": "100-continue", "Accept": "text/html",
	} {
		r.Header.Set(field, value)
	}
	if got := text(t, do(t, behind(handler.ForwardAuth{Config: auth, URI: "/verify?for={host}"}), r)); !strings.HasPrefix(got, "POST /app%2Fx?q=1 ") {
		t.Errorf("behind: %q", got)
	}
	if asked == nil {
		t.Fatal("nobody was asked")
	}
	if asked.Method != "GET" || asked.RequestURI != "/verify?for=site.example" || len(body) > 0 || asked.ContentLength != 0 {
		t.Errorf("%s %s, body %q of %d", asked.Method, asked.RequestURI, body, asked.ContentLength)
	}
	for field, want := range map[string]string{
		"Cookie": "session=1", "Authorization": "Bearer x", "Accept": "text/html",
		"X-Forwarded-Method": "POST", "X-Forwarded-Uri": "/app%2Fx?q=1", "X-Forwarded-Host": "site.example",
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http",
		"If-None-Match": "", "Range": "", "Expect": "", "Content-Length": "",
	} {
		if got := strings.Join(asked.Header[field], "|"); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	if asked.Host != "site.example" {
		t.Errorf("Host: %q", asked.Host)
	}
}

func TestForwardAuthKeepsTheQueryWhereTheURIHasNone(t *testing.T) {
	var asked []string
	auth := judge(t, func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.RequestURI) })
	for _, uri := range []string{"", "/verify", "/verify?", "/verify?a=b"} {
		_ = text(t, do(t, behind(handler.ForwardAuth{Config: auth, URI: uri}), httptest.NewRequest(http.MethodGet, "/app?q=1", nil)))
	}
	if want := []string{"/app?q=1", "/verify?q=1", "/verify?", "/verify?a=b"}; !slices.Equal(asked, want) {
		t.Errorf("%q, want %q", asked, want)
	}
}

// X-Original-URL {scheme}://{host}{uri} is what some auth servers ask for.
func TestHeaderUpOfForwardAuthTellsOfTheClientsRequest(t *testing.T) {
	var asked http.Header
	auth := judge(t, func(_ http.ResponseWriter, r *http.Request) { asked = r.Header })
	edits := handler.HeaderEdits{HeaderUp: []handler.HeaderOp{
		{Op: "set", Field: "X-Original", Value: "{method} {scheme}://{host}{uri} {vars.team}"},
		{Op: "set", Field: "X-Asked", Value: "{upstream_hostport}"},
	}}
	chain := handler.Chain{{Directive: handler.Vars{Set: []handler.Assignment{{Name: "team", Value: "red"}}}},
		{Directive: handler.ForwardAuth{Config: auth, HeaderEdits: edits, URI: "/verify"}}}
	compiled(t, chain).ServeHTTP(httptest.NewRecorder(), request.With(httptest.NewRequest(http.MethodPost, "http://site.example/app?q=1", nil), new(request.State)))
	if got, want := asked.Get("X-Original"), "POST http://site.example/app?q=1 red"; got != want {
		t.Errorf("X-Original: %q, want %q", got, want)
	}
	if got, want := asked.Get("X-Asked"), auth.Upstreams[0]; got != want {
		t.Errorf("X-Asked: %q, want %q", got, want)
	}
}

// The upstream takes these fields for the word of the auth server.
func TestForwardAuthCopiesFieldsOverThoseOfTheClient(t *testing.T) {
	answer := http.Header{}
	auth := judge(t, func(w http.ResponseWriter, r *http.Request) {
		for field, values := range answer {
			w.Header()[field] = values
		}
		w.WriteHeader(http.StatusNoContent)
	})
	site := behind(handler.ForwardAuth{Config: auth, CopyHeaders: []handler.CopyHeader{{From: "remote-user"}, {From: "Groups", To: "x-groups"}}})
	for _, c := range []struct {
		client, answer http.Header
		want           string
	}{
		{nil, http.Header{"Remote-User": {"ann"}, "Groups": {"a", "b"}}, "ann||a,b||"},
		{http.Header{"Remote-User": {"admin"}, "Remote_user": {"admin"}, "Remote.user": {"admin"}, "remote-user": {"admin"}, "X-Groups": {"wheel"}, "X_groups": {"wheel"}},
			http.Header{"Remote-User": {"ann"}}, "ann||||"},
		{http.Header{"Remote-User": {"admin"}, "Groups": {"mine"}}, nil, "|||mine|"},
		{http.Header{"Remote-User": {"a", "b"}, "Connection": {"remote-user, X_Groups", "keep-alive"}}, http.Header{"Remote-User": {"ann"}}, "ann||||keep-alive"},
	} {
		answer = c.answer
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for field, values := range c.client {
			r.Header[field] = values
		}
		w := httptest.NewRecorder()
		compiled(t, site).ServeHTTP(w, r)
		if got := strings.TrimPrefix(w.Body.String(), "GET / "); got != c.want || w.Code != 200 {
			t.Errorf("client %v, answer %v: %d %q, want %q", c.client, c.answer, w.Code, got, c.want)
		}
	}
}

func TestARefusalIsTheClientsWhole(t *testing.T) {
	auth := judge(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Location", "https://login.example/?rd=x")
		w.Header().Set("WWW-Authenticate", "Basic")
		status := http.StatusFound
		_, _ = fmt.Sscanf(r.RequestURI, "/%d", &status)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "log in")
	})
	for _, status := range []int{302, 401, 403, 300, 400, 404, 500, 503} {
		response := do(t, behind(handler.ForwardAuth{Config: auth}), httptest.NewRequest(http.MethodGet, fmt.Sprint("/", status), nil))
		if got := text(t, response); response.StatusCode != status || got != "log in" || len(response.Header["Set-Cookie"]) != 2 ||
			response.Header.Get("Location") == "" || response.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%d: %d %q %v", status, response.StatusCode, got, response.Header)
		}
	}
}

func TestWithoutAnAnswerNobodyIsLetIn(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := listener.Addr().String()
	_ = listener.Close()
	broken := func(answer string) upstream.Config {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}
		}()
		return upstream.Config{Upstreams: []string{listener.Addr().String()}}
	}
	hung := judge(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	hung.ResponseHeaderTimeout = 50 * time.Millisecond
	for name, c := range map[string]struct {
		auth   upstream.Config
		status int
	}{
		"down":       {upstream.Config{Upstreams: []string{down}}, 502},
		"silent":     {broken(""), 502},
		"garbage":    {broken("200 OK\r\n\r\n"), 502},
		"half":       {broken("HTTP/1.1 200 OK\r\nContent-Le"), 502},
		"switches":   {broken("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), 502},
		"only hints": {broken("HTTP/1.1 103 Early Hints\r\n\r\n"), 502},
		"hangs":      {hung, 504},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Connection", "Upgrade")
		response := do(t, behind(handler.ForwardAuth{Config: c.auth}), r)
		if got := text(t, response); response.StatusCode != c.status || strings.Contains(got, "GET /") {
			t.Errorf("%s: %d %q, want %d", name, response.StatusCode, got, c.status)
		}
	}
}

// What a good answer says is in its header: nobody waits for the rest.
func TestTheBodyOfAGoodAnswerIsBounded(t *testing.T) {
	for name, rest := range map[string]func(w http.ResponseWriter, r *http.Request){
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"slow":  func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"short": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "welcome") },
	} {
		auth := judge(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Remote-User", "ann")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			rest(w, r)
		})
		begun := time.Now()
		response := do(t, behind(handler.ForwardAuth{Config: auth, CopyHeaders: []handler.CopyHeader{{From: "Remote-User"}}}), httptest.NewRequest(http.MethodGet, "/", nil))
		if got := text(t, response); !strings.HasPrefix(got, "GET / ann|") || time.Since(begun) > 5*time.Second {
			t.Errorf("%s: %d %q after %v", name, response.StatusCode, got, time.Since(begun))
		}
	}
}

func TestForwardAuthRefusesWhatCannotWork(t *testing.T) {
	one := upstream.Config{Upstreams: []string{"127.0.0.1:1"}}
	for want, auth := range map[string]handler.ForwardAuth{
		"no upstream":       {},
		"begin with a":      {Config: one, URI: "verify"},
		"unknown placehold": {Config: one, URI: "/{nobody.knows}"},
		"can be copied":     {Config: one, CopyHeaders: []handler.CopyHeader{{From: "A", To: "Content-Length"}}},
		"set twice":         {Config: one, CopyHeaders: []handler.CopyHeader{{From: "A", To: "B"}, {From: "b"}}},
	} {
		if err := handler.Check(auth); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A WebSocket is asked about like any request, and then is one.
func TestAnUpgradeBehindForwardAuthIsAskedAboutAndDone(t *testing.T) {
	var asked http.Header
	auth := judge(t, func(w http.ResponseWriter, r *http.Request) { asked = r.Header.Clone() })
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Upgrade", "echo")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, rw)
	}))
	defer echo.Close()
	site := httptest.NewServer(compiled(t, handler.Chain{
		{Directive: handler.ForwardAuth{Config: auth, CopyHeaders: []handler.CopyHeader{{From: "Remote-User"}}}},
		{Directive: handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{echo.Listener.Addr().String()}}}},
	}))
	defer site.Close()
	conn, err := net.Dial("tcp", site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade, Remote-User\r\n\r\n")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", response, err)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := in.ReadString('\n'); line != "hello\n" {
		t.Errorf("%q, %v", line, err)
	}
	if asked.Get("Upgrade") != "" || asked.Get("Connection") != "" {
		t.Errorf("the auth server was asked to upgrade: %v", asked)
	}
}
