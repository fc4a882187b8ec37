package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/password"
	"dwaar/proxy/request"
)

func hashed(t *testing.T, text string) password.Hash {
	t.Helper()
	hash, err := password.New(text, password.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestBasicAuthLetsInWhoHasThePassword(t *testing.T) {
	h := compiled(t, handler.Chain{
		{Directive: handler.BasicAuth{Realm: `the "office"`, Users: []handler.BasicUser{{Name: "ann", Hash: hashed(t, "a:b")}}}},
		{Directive: handler.Respond{Body: "{http.request.header.Authorization}"}},
	})
	for _, c := range []struct {
		authorization string
		status        int
	}{
		{"Basic YW5uOmE6Yg==", 200}, // ann:a:b
		{"basic YW5uOmE6Yg==", 200},
		{"", 401}, {"Basic", 401}, {"Basic ???", 401}, {"Bearer YW5uOmE6Yg==", 401},
		{"Basic YW5u", 401},         // ann
		{"Basic YW5uOg==", 401},     // ann:
		{"Basic QW5uOmE6Yg==", 401}, // Ann:a:b
		{"Basic Om==", 401},
	} {
		state := &request.State{}
		r := request.With(httptest.NewRequest(http.MethodGet, "/", nil), state)
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%q: %d, want %d", c.authorization, w.Code, c.status)
			continue
		}
		if w.Code == 200 {
			if state.User != "ann" || w.Body.String() != c.authorization {
				t.Errorf("%q: user %q, the upstream gets %q", c.authorization, state.User, w.Body)
			}
			continue
		}
		if got, want := w.Header().Get("WWW-Authenticate"), `Basic realm="the \"office\"", charset="UTF-8"`; got != want || state.User != "" {
			t.Errorf("%q: %q, user %q", c.authorization, got, state.User)
		}
	}
}

func TestBasicAuthRefusesWhatCannotWork(t *testing.T) {
	good := hashed(t, "x")
	for _, c := range []struct {
		auth handler.BasicAuth
		want string
	}{
		{handler.BasicAuth{}, "no user"},
		{handler.BasicAuth{Users: []handler.BasicUser{{Name: "", Hash: good}}}, "has a name"},
		{handler.BasicAuth{Users: []handler.BasicUser{{Name: "a:b", Hash: good}}}, "no colon"},
		{handler.BasicAuth{Users: []handler.BasicUser{{Name: "a", Hash: good}, {Name: "a", Hash: good}}}, "twice"},
		{handler.BasicAuth{Users: []handler.BasicUser{{Name: "a", Hash: "secret"}}}, "hash-password"},
		{handler.BasicAuth{Realm: "a\nb", Users: []handler.BasicUser{{Name: "a", Hash: good}}}, "control"},
	} {
		if err := handler.Check(c.auth); err == nil || !strings.HasPrefix(err.Error(), "basic_auth: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
