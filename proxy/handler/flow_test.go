package handler_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/match"
	"dwaar/proxy/request"
)

// visit serves a request as the front does: with a state, and a response that
// knows what was sent.
func visit(t *testing.T, chain handler.Chain, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	compiled(t, chain).ServeHTTP(handler.NewResponse(w), request.With(r, new(request.State)))
	return w
}

func fails(status int, message string) handler.Route {
	return always(handler.Error{Status: status, Message: message})
}

func TestFailuresAreAnsweredByTheBlockForTheirStatus(t *testing.T) {
	errors := handler.HandleErrors{
		{Routes: handler.Chain{says("all: {err.status_code} {err.status_text}: {err.message}")}},
		{Status: []string{"5xx"}, Routes: handler.Chain{says("server: {err.status_code}")}},
		{Status: []string{"404", "502"}, Routes: handler.Chain{always(handler.Respond{Status: 200, Body: "one of two"})}},
		{Status: []string{"410"}},
	}
	for status, want := range map[int]string{
		403: "403 all: 403 Forbidden: why", 404: "200 one of two", 502: "200 one of two", 500: "500 server: 500", 599: "599 server: 599", 410: "410 Gone\n",
	} {
		w := visit(t, handler.Chain{always(errors), fails(status, "why")}, asked("GET", "/"))
		if got := strings.TrimSpace(w.Result().Status[:3]) + " " + w.Body.String(); got != want {
			t.Errorf("%d is answered %q, want %q", status, got, want)
		}
	}
}

func TestFailuresWithoutABlockAreAnsweredPlainly(t *testing.T) {
	only404 := handler.HandleErrors{{Status: []string{"404"}, Routes: handler.Chain{says("none")}}}
	for _, chain := range []handler.Chain{{fails(503, "secret")}, {always(only404), fails(503, "secret")}} {
		if w := visit(t, chain, asked("GET", "/")); w.Code != 503 || w.Body.String() != "Service Unavailable\n" {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	}
	// The page for a 503 is not there: that is no 404 of what was asked for.
	again := handler.HandleErrors{{Routes: handler.Chain{fails(404, "again")}}}
	if w := visit(t, handler.Chain{always(again), fails(503, "")}, asked("GET", "/")); w.Code != 503 || w.Body.String() != "Service Unavailable\n" {
		t.Errorf("a failure of the answer: %d %q", w.Code, w.Body)
	}
}

func TestWhoAnswersAFailureSeesTheRequestAsItCame(t *testing.T) {
	chain := handler.Chain{
		always(handler.HandleErrors{{Routes: handler.Chain{says("{path} {vars.a} {header.X}")}}}),
		always(handler.Vars{Set: []handler.Assignment{{Name: "a", Value: "of {path}"}}}),
		always(handler.RequestHeader{Ops: []handler.HeaderOp{{Op: "set", Field: "X", Value: "changed"}}}),
		always(handler.HandlePath{Path: "/api/*", Routes: handler.Chain{fails(500, "")}}),
	}
	if w := visit(t, chain, asked("GET", "/api/x")); w.Body.String() != "/api/x of /api/x " {
		t.Errorf("it says %q", w.Body)
	}
}

func TestAbortBreaksOff(t *testing.T) {
	server := httptest.NewServer(compiled(t, handler.Chain{always(handler.Abort{})}))
	defer server.Close()
	response, err := http.Get(server.URL)
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v %v", response, err)
	}
}

func TestVariablesAreSetInOrder(t *testing.T) {
	set := func(path, value string) handler.Route {
		return on(path, handler.Vars{Set: []handler.Assignment{{Name: "a", Value: value}}})
	}
	h := handler.Chain{set("/*", "1"), set("/x*", "{vars.a}2"), {
		Match:     &match.Set{Vars: []match.Variable{{Name: "a", Values: []string{"12"}}}},
		Directive: handler.Respond{Body: "both"},
	}, says("{vars.a}{vars.b}")}
	for path, want := range map[string]string{"/": "1", "/x": "both"} {
		if w := visit(t, h, asked("GET", path)); w.Body.String() != want {
			t.Errorf("%s: %q, want %q", path, w.Body, want)
		}
	}
}

func TestARouteKeepsItsOrder(t *testing.T) {
	h := handler.Chain{on("/a*", handler.RouteBlock{Routes: handler.Chain{on("/ab", handler.Respond{Body: "first"})}}), says("after")}
	for path, want := range map[string]string{"/ab": "first", "/ac": "after", "/b": "after"} {
		if w := visit(t, h, asked("GET", path)); w.Body.String() != want {
			t.Errorf("%s: %q, want %q", path, w.Body, want)
		}
	}
}

func TestFlowIsRefused(t *testing.T) {
	for want, d := range map[string]handler.Directive{
		"error: status 200 is not between 400 and 599": handler.Error{Status: 200},
		"vars: no variable":                            handler.Vars{},
		`vars: "" is no name for a variable: it has letters, digits, dots, _ and -`: handler.Vars{Set: []handler.Assignment{{}}},
		`handle_errors: "6xx" is not a status from 400 to 599, 4xx or 5xx`:          handler.HandleErrors{{Status: []string{"6xx"}}},
		"handle_errors: 404 is answered twice":                                      handler.HandleErrors{{Status: []string{"404"}}, {Status: []string{"404"}}},
		"handle_errors: all failures are answered twice":                            handler.HandleErrors{{}, {}},
		"route without directive":                                                   handler.RouteBlock{Routes: handler.Chain{{}}},
		"error: unknown placeholder {nonsense} (\\{nonsense} is the text itself)":   handler.Error{Message: "{nonsense}"},
	} {
		if err := handler.Check(d); err == nil || err.Error() != want {
			t.Errorf("%T: %v, want %s", d, err, want)
		}
	}
}
