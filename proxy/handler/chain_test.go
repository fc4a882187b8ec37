package handler_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

// Between two handles others run for every request, and a handle that did not
// answer goes on behind all of them.
func TestHandlesExcludeEachOtherWhateverStandsBetween(t *testing.T) {
	mark := func(value string) handler.Route {
		return always(handler.RequestHeader{Ops: []handler.HeaderOp{{Op: "add", Field: "X-Seen", Value: value}}})
	}
	handle := func(path string, inner ...handler.Route) handler.Route {
		return handler.Route{Match: &match.Set{Path: match.Path{path}}, Directive: handler.Handle{Routes: inner}}
	}
	h := compiled(t, handler.Chain{
		mark("1"), handle("/a*", mark("a")), mark("2"), handle("/ab*", mark("ab")), mark("3"), handle("/*", mark("rest")), mark("4"),
		says("{header.X-Seen}"),
	})
	for path, want := range map[string]string{"/a": "1,a,2,3,4", "/ab": "1,a,2,3,4", "/b": "1,2,3,rest,4"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Body.String() != want {
			t.Errorf("%s passes %s, want %s", path, w.Body, want)
		}
	}
}

// What doubles with every level is refused before it fills the memory.
func TestRoutesThatMultiplyAreRefused(t *testing.T) {
	root := handler.Route{Match: &match.Set{Path: match.Path{"/a"}}, Directive: handler.Root{Path: "/srv"}}
	nested := func(levels int) handler.Chain {
		chain := handler.Chain{says("hello")}
		for range levels {
			chain = handler.Chain{root, always(handler.RouteBlock{Routes: chain}), root}
		}
		return chain
	}
	if err := nested(5).CheckSize(); err != nil {
		t.Error(err)
	}
	if err := nested(60).CheckSize(); err == nil {
		t.Error("60 levels are compiled")
	}
	if _, err := nested(60).Compile(&handler.Env{}); err == nil {
		t.Error("60 levels are compiled")
	}
}
