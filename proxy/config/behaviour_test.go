package config_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"dwaar/proxy"
)

// serve runs what a Dwaarfile says of plain HTTP and returns how to ask it: with
// "METHOD URL" and header fields as "Name: value". The answer is its status and
// text, or where it redirects to.
func serve(t *testing.T, text string) func(request string, header ...string) string {
	t.Helper()
	c := mustRead(t, text)
	c.HTTP.Listeners[0].Address = "127.0.0.1:0"
	server := proxy.New(slog.New(slog.NewTextHandler(t.Output(), nil)))
	prepared, err := server.Prepare(c.HTTP, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := prepared.Commit(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	transport := &http.Transport{DisableKeepAlives: true}
	addr := server.Addr("127.0.0.1:0").String()
	return func(request string, header ...string) string {
		t.Helper()
		method, url, _ := strings.Cut(request, " ")
		r, err := http.NewRequestWithContext(ctx, method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.URL.Host = r.URL.Host, addr
		for _, field := range header {
			name, value, _ := strings.Cut(field, ": ")
			r.Header.Add(name, value)
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			return "broken off"
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if to := response.Header.Get("Location"); to != "" {
			return response.Status[:3] + " → " + to
		}
		return response.Status[:3] + " " + strings.TrimSpace(string(body))
	}
}

// expect asks by the keys of a table.
func expect(t *testing.T, ask func(string, ...string) string, want map[string]string) {
	t.Helper()
	for request, answer := range want {
		if got := ask(request); got != answer {
			t.Errorf("%s: %q, want %q", request, got, answer)
		}
	}
}

func TestOneHandleIsEnteredTheMostSpecificFirst(t *testing.T) {
	ask := serve(t, `http:// {
	handle {
		respond rest
	}
	handle @post {
		respond post
	}
	@post method POST
	handle /a/* {
		respond a
	}
	handle_path /a/b/* {
		respond "b {path}"
	}
	handle /none/* {
	}
	handle /none/more/* {
		header X-More yes
	}
	respond "fell through"
}
`)
	expect(t, ask, map[string]string{
		"GET http://x/": "200 rest", "POST http://x/": "200 post", "GET http://x/a/x": "200 a", "GET http://x/a/b/c": "200 b /c",
		// The handle with the named matcher stands before these: no path moves past it.
		"POST http://x/a/x": "200 post", "GET http://x/none/x": "200 fell through", "GET http://x/none/more/x": "200 fell through",
	})
}

func TestDirectivesAreSortedAndARouteIsNot(t *testing.T) {
	ask := serve(t, `http:// {
	respond /sorted "{vars.seen}"
	vars seen all
	vars /sorted seen path
	route /route {
		vars seen first
		respond @seen "{vars.seen}"
		vars seen second
		respond never
	}
	@seen vars seen first second
	respond /sor* longer
}
`)
	expect(t, ask, map[string]string{"GET http://x/sorted": "200 path", "GET http://x/route": "200 first", "GET http://x/sort": "200 longer"})
}

func TestFailuresOfAllKindsAreAnsweredByTheSite(t *testing.T) {
	ask := serve(t, `http:// {
	error /forbidden "not for {remote_host}" 403
	abort /abort
	@dead path_regexp dead ^/dead/(\w+)
	reverse_proxy @dead 127.0.0.1:1

	handle_errors 502 {
		@html header Accept *html*
		respond @html "<p>{err.status_text} for {re.dead.1}</p>"
		respond "{err.status_code} {re.dead.1} {upstream_hostport}" 503
	}
	handle_errors 4xx {
		respond "{err.status_code} {err.message}"
	}
}
`)
	expect(t, ask, map[string]string{
		"GET http://x/forbidden": "403 403 not for 127.0.0.1", "GET http://x/nothing": "404 404 nothing in the site answers this request",
		"GET http://x/abort": "broken off",
	})
	if got := ask("GET http://x/dead/end", "Accept: text/html"); got != "502 <p>Bad Gateway for end</p>" {
		t.Errorf("a dead upstream: %q", got)
	}
	if got := ask("GET http://x/dead/end"); !strings.HasPrefix(got, "503 502 end") {
		t.Errorf("a dead upstream: %q", got)
	}
}

func TestCapturesAndVariablesAreKnownWhereverTextIsFilled(t *testing.T) {
	ask := serve(t, `http:// {
	@user path_regexp user ^/~(?P<name>\w+)/(.*)$
	vars @user rest {re.user.2}
	redir @user /users/{re.user.name}?rest={vars.rest}
	@lang header_regexp Accept-Language ^(de|fr)\b
	request_header @lang X-Lang {re.lang.1}
	respond "{header.X-Lang} {http.regexp.lang.1}{query.a}{query.b} {client_ip} {labels.1}"
}
`)
	expect(t, ask, map[string]string{
		"GET http://www.example.com/~ann/a/b": "302 → /users/ann?rest=a/b",
		"GET http://www.example.com/?b=2&a=1": "200 12 127.0.0.1 example",
	})
	if got := ask("GET http://www.example.com/", "Accept-Language: fr-CH"); got != "200 fr fr 127.0.0.1 example" {
		t.Errorf("with a language: %q", got)
	}
}

func TestImportsPassBlocksAndArgumentsEverywhere(t *testing.T) {
	ask := serve(t, `(answers) {
	handle {args[0]} {
		import deeper {args[1]} {
			{block}
		}
	}
}
(deeper) {
	@deep {
		{blocks.match}
		path {args[0]}
	}
	{blocks.then}
}
(methods) {
	method {args[:]}
}
http:// {
	import answers /a/* /a/x {
		match {
			import methods PUT POST
			not header X-No
		}
		then {
			respond @deep "deep in {path}"
			respond shallow
		}
	}
	import answers @b /b/x {
		then {
			respond @deep "b"
		}
	}
	@b path /b/*
	respond else
}
`)
	expect(t, ask, map[string]string{
		"PUT http://x/a/x": "200 deep in /a/x", "GET http://x/a/x": "200 shallow", "PUT http://x/a/y": "200 shallow",
		"GET http://x/b/x": "200 b", "GET http://x/b/y": "200 else", "GET http://x/": "200 else",
	})
	if got := ask("PUT http://x/a/x", "X-No: 1"); got != "200 shallow" {
		t.Errorf("with X-No: %q", got)
	}
}

func TestAPathIsMatchedWhateverItsSpelling(t *testing.T) {
	ask := serve(t, `http:// {
	@secret path /secret/*
	respond @secret secret 403
	respond "{path}"
}
`)
	for _, path := range []string{"/secret/a", "/SECRET/a", "//secret/a", "/./secret/a", "/x/../secret/a", "/%73ecret/a", "/secret//a", "/x/%2e%2e/secret/a"} {
		if got := ask("GET http://x" + path); got != "403 secret" {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// What fails behind encode is answered through it: the client can read it, and
// fields of the body that was not sent are gone.
func TestAFailureBehindEncodeIsReadable(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "there.txt", strings.Repeat("there ", 1000))
	ask := serve(t, `http:// {
	encode gzip
	header X-Site yes
	root `+dir+`
	file_server
	handle_errors 404 {
		header X-Error {err.status_code}
		respond "`+strings.Repeat("not there ", 1000)+`{path}"
	}
}
`)
	expect(t, ask, map[string]string{
		"GET http://x/there.txt": "200 " + strings.TrimSpace(strings.Repeat("there ", 1000)),
		"GET http://x/other":     "404 " + strings.Repeat("not there ", 1000) + "/other",
	})
}
