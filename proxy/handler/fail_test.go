package handler_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/request"
)

func TestAFailureIsAnsweredPlainly(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("ETag", `"x"`)
	handler.Fail(w, httptest.NewRequest(http.MethodGet, "/", nil), 502, errors.New("secret"))
	if w.Code != 502 || w.Body.String() != "Bad Gateway\n" || w.Header().Get("Content-Encoding") != "" || w.Header().Get("Etag") != "" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestAFailureIsAnsweredByWhoRecovers(t *testing.T) {
	entered := httptest.NewRequest(http.MethodGet, "/original", nil)
	state := &request.State{}
	entered = request.With(entered, state)
	state.Entered = entered
	state.Recover = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r != entered {
			t.Error("not the request as it entered the site")
		}
		w.Header().Set("X-Why", request.Of(r).Failure.Err.Error())
		handler.Fail(w, r, 500, errors.New("again"))
	})
	rewritten := *entered
	w := httptest.NewRecorder()
	handler.Fail(w, &rewritten, 404, errors.New("no such file"))
	if w.Code != 404 || w.Header().Get("X-Why") != "no such file" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestAFailureAfterTheHeaderBreaksTheResponseOff(t *testing.T) {
	w := handler.NewResponse(httptest.NewRecorder())
	w.WriteHeader(200)
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the response goes on as if nothing had happened")
		}
	}()
	handler.Fail(w, httptest.NewRequest(http.MethodGet, "/", nil), 502, nil)
}
