package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dwaar/proxy"
	"dwaar/proxy/handler"
)

// fieldsThatArrive are those of the fields that a handler sees, sorted.
func fieldsThatArrive(t *testing.T, cfg proxy.Config, sent http.Header) string {
	t.Helper()
	cfg.Listeners[0].Sites[0].Routes = handler.Chain{{Directive: teller(func(r *http.Request) string {
		var seen []string
		for name, values := range r.Header {
			if name != "Accept-Encoding" && name != "User-Agent" {
				seen = append(seen, name+"="+strings.Join(values, ","))
			}
		}
		slices.Sort(seen)
		return strings.Join(seen, " ")
	})}}
	server := start(t, cfg)
	r, _ := http.NewRequest(http.MethodGet, "http://a.test", nil)
	r.Header = sent
	response, err := server.client(loopback).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return body(t, response)
}

// X_Forwarded_For and X.Forwarded.For are X-Forwarded-For to what makes
// variables of fields, as CGI, WSGI and PHP do.
func TestFieldsThatPassForOthersAreDropped(t *testing.T) {
	for _, c := range []struct {
		name     string
		expected []string
		sent     http.Header
		want     string
	}{
		{"by default", nil, http.Header{"Remote-User": {"a"}, "Remote_user": {"b"}, "Remote.user": {"c"}, "X_forwarded.for": {"d"}, "_": {"e"}}, "Remote-User=a"},
		{"but not what is expected", []string{"user_ID"}, http.Header{"User_id": {"a"}, "User_name": {"b"}}, "User_id=a"},
		{"of which there is one spelling", []string{"user_id"}, http.Header{"User_id": {"a"}, "User-Id": {"b"}, "User.id": {"c"}}, "User_id=a"},
		{"and one value", []string{"user_id"}, http.Header{"User_id": {"a", "b"}}, ""},
		{"all that begin so", []string{"user_*"}, http.Header{"User_id": {"a"}, "User_name": {"b"}, "User-Name": {"c"}, "User_id.x": {"d"}}, "User_id=a User_name=b"},
		{"dots", []string{"hook.*"}, http.Header{"Hook.id": {"a"}, "Hook_id": {"b"}, "Hook-Id": {"c"}}, "Hook.id=a"},
		{"both at once", []string{"a_b.c"}, http.Header{"A_b.c": {"a"}}, "A_b.c=a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := plain(nil)
			cfg.ExpectedFields = c.expected
			if got := fieldsThatArrive(t, cfg, c.sent); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// "secret " would be no "secret" to a matcher, and one to the upstream.
func TestSpaceAroundValuesIsNoPartOfThem(t *testing.T) {
	server := start(t, secure(handler.Chain{{Directive: teller(func(r *http.Request) string {
		return fmt.Sprintf("%d %q", r.ProtoMajor, r.Header["X"])
	})}}))
	r, _ := http.NewRequest(http.MethodGet, "https://a.test", nil)
	r.Header["X"] = []string{" a b\t", " ", "c"}
	response, err := server.client(loopback).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := body(t, response), `2 ["a b" "" "c"]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestExpectedFieldsThatCannotBeAreRefused(t *testing.T) {
	cfg := plain(respond("hello"))
	cfg.ExpectedFields = []string{"User-Id", "a b_c", "_*x", "", "*"}
	_, err := proxy.New(nil).Prepare(cfg, nil)
	if err == nil || strings.Count(err.Error(), "expected") != len(cfg.ExpectedFields) {
		t.Errorf("%v", err)
	}
}
