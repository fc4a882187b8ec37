package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The examples of docs/static-files.md, with a root that is there.
func TestStaticFilesDoWhatThePageSays(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"index.html": "the page", "app.js": "script", "about.html": "about", "404.html": "lost", "down.html": "down", "x.wad": "level",
		"app.js.br": "brotli", ".env": "secret",
	} {
		write(t, root, name, content)
	}
	if err := os.Symlink(filepath.Join(root, "about.html"), filepath.Join(root, "link.html")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"single page application": {`
	root ROOT
	handle /api/* {
		respond api
	}
	handle {
		try_files {path} /index.html
		file_server
	}`, map[string]string{"GET http://a/app.js": "200 script", "GET http://a/some/route": "200 the page", "GET http://a/api/x": "200 api", "GET http://a/": "200 the page"}},
		"error pages": {`
	root ROOT
	@page file {path}.html
	rewrite @page {file_match.relative}
	reverse_proxy /api/* 127.0.0.1:1
	file_server

	handle_errors 404 {
		rewrite /404.html
		file_server
	}
	handle_errors 502 503 504 {
		rewrite /down.html
		file_server
	}`, map[string]string{
			"GET http://a/about": "200 about", "GET http://a/link": "200 about", "GET http://a/none": "404 lost", "POST http://a/none": "404 lost",
			"GET http://a/api/x": "502 down", "POST http://a/about": "405 Method Not Allowed",
		}},
		"hiding and precompressed": {`
	root ROOT
	file_server {
		hide .* index.html
		precompressed br
	}`, map[string]string{"GET http://a/.env": "404 Not Found", "GET http://a/": "404 Not Found", "GET http://a/app.js": "200 script"}},
		"as written": {`
	root ROOT
	route {
		uri strip_prefix /files
		file_server
	}`, map[string]string{"GET http://a/files/app.js": "200 script", "GET http://a/files/app.js/": "308 → /files/app.js"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, serve(t, "http:// {"+strings.ReplaceAll(c.text, "ROOT", root)+"\n}\n"), c.want)
		})
	}
}

// A rewrite happens once, and what comes after it sees what it made.
func TestRewritingDoesWhatThePageSays(t *testing.T) {
	ask := serve(t, `http:// {
	rewrite /feed /index.xml
	rewrite /item/* /shop{uri}
	rewrite /search ?q={query.term}&lang=en
	uri /docs/* strip_suffix .html
	uri /q query {
		-utm_source
		page>p
	}
	method /form PUT
	handle_path /api/* {
		respond "api {uri}"
	}
	handle {
		respond "{method} {uri} for {orig_uri}"
	}
}
`)
	expect(t, ask, map[string]string{
		"GET http://a/feed?x":                "200 GET /index.xml?x for /feed?x",
		"GET http://a/item/7?a=b":            "200 GET /shop/item/7?a=b for /item/7?a=b",
		"GET http://a/search?term=a%26b":     "200 GET /search?q=a%26b&lang=en for /search?term=a%26b",
		"GET http://a/docs/a.html":           "200 GET /docs/a for /docs/a.html",
		"GET http://a/q?utm_source=x&page=2": "200 GET /q?p=2 for /q?utm_source=x&page=2",
		"POST http://a/form":                 "200 PUT /form for /form",
		"GET http://a/api/x%2Fy?z":           "200 api /x%2Fy?z",
		"GET http://a/api/../secret":         "200 GET /api/../secret for /api/../secret",
	})
}

func TestEncodeCompresses(t *testing.T) {
	ask := serve(t, "http:// {\n\tencode gzip\n\trespond * \""+strings.Repeat("text ", 200)+"\"\n}\n")
	if got := ask("GET http://a/", "Accept-Encoding: gzip"); !strings.HasPrefix(got, "200 \x1f\x8b") {
		t.Errorf("%.40q", got)
	}
}
