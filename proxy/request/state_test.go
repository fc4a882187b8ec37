package request_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"dwaar/proxy/request"
)

func TestAStateIsFoundWhereverTheRequestGoes(t *testing.T) {
	s := &request.State{User: "ann"}
	r := request.With(httptest.NewRequest(http.MethodGet, "/", nil), s)
	type other struct{}
	further := r.WithContext(context.WithValue(r.Context(), other{}, 1))
	for name, r := range map[string]*http.Request{"itself": r, "a copy": r.Clone(r.Context()), "another context": further} {
		if request.Of(r) != s || request.OfContext(r.Context()) != s {
			t.Errorf("%s has another state", name)
		}
	}
	if kept, same := request.Ensure(further); kept != further || same != s {
		t.Error("Ensure attached another state")
	}
}

func TestAContextOfTheRequestStillEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := request.With(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), new(request.State))
	cancel()
	if r.Context().Err() == nil {
		t.Error("the context goes on")
	}
}

func TestARequestWithoutStateHasAnEmptyOne(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Of(r).SetVar("a", "b")
	if _, set := request.Of(r).Var("a"); set {
		t.Error("it remembers")
	}
	r, s := request.Ensure(r)
	if request.Of(r) != s {
		t.Error("Ensure attached nothing")
	}
}

func TestVariablesKeepTheirLastValue(t *testing.T) {
	var s request.State
	s.SetVar("a", "1")
	s.SetVar("b", "2")
	s.SetVar("a", "3")
	if v, ok := s.Var("a"); v != "3" || !ok {
		t.Errorf("a = %q, %v", v, ok)
	}
	if v, ok := s.Var("c"); v != "" || ok {
		t.Errorf("c = %q, %v", v, ok)
	}
}

func TestCapturesAreFoundByNumberAndName(t *testing.T) {
	var s request.State
	capture := func(name, expression, text string) {
		re := regexp.MustCompile(expression)
		s.SetCapture(name, re, text, re.FindStringSubmatchIndex(text))
	}
	capture("user", `/(?P<name>\w+)(/x)?`, "/ann")
	capture("other", `(b)`, "abc")
	capture("user", `/(?P<name>\w+)(/x)?`, "/ben")
	for _, c := range []struct {
		name  string
		group int
		by    string
		want  string
	}{
		{"user", 0, "", "/ben"}, {"user", 1, "", "ben"}, {"user", -1, "name", "ben"}, {"user", 2, "", ""},
		{"user", 7, "", ""}, {"user", -1, "nobody", ""}, {"other", 1, "", "b"}, {"nobody", 1, "", ""}, {"", 1, "", "ben"},
	} {
		if got := s.Capture(c.name, c.group, c.by); got != c.want {
			t.Errorf("Capture(%q, %d, %q) = %q, want %q", c.name, c.group, c.by, got, c.want)
		}
	}
}

func TestAttachingCopiesTheRequestAndNothingElse(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	states := make([]request.State, 200)
	i := 0
	if n := testing.AllocsPerRun(100, func() { request.With(r, &states[i]); i++ }); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

// Matchers run more than once: what they find must not pile up.
func TestACaptureTakesThePlaceOfTheOneBefore(t *testing.T) {
	var s request.State
	re := regexp.MustCompile("a")
	if n := testing.AllocsPerRun(1000, func() { s.SetCapture("x", re, "a", []int{0, 1}) }); n > 1 {
		t.Errorf("%v allocations for one more capture of one name", n)
	}
	if s.Captures() != 1 {
		t.Errorf("there are %d captures of one name", s.Captures())
	}
}
