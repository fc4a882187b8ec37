package upstream

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestACheckSpeaksAsTheUpstreamDoes(t *testing.T) {
	of := Address{H2C: true, Network: "unix", Dial: "/run/app.sock"}
	for _, c := range []struct {
		config ActiveHealth
		want   string
	}{{ActiveHealth{URI: "/"}, "unix+h2c//run/app.sock"}, {ActiveHealth{Port: 90}, "h2c://localhost:90"}, {ActiveHealth{Upstream: "b:1"}, "h2c://b:1"}, {ActiveHealth{Upstream: "http://b:1"}, "http://b:1"}} {
		if got, err := c.config.address(of); err != nil || got.String() != c.want {
			t.Errorf("%+v: %v, %v, want %s", c.config, got, err, c.want)
		}
	}
}

// answering is an upstream that is a function.
type answering func(*http.Request) (*http.Response, error)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func said(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// checkerOf is a running checker of c, until the test ends, and what it knows.
func checkerOf(t *testing.T, c ActiveHealth, to answering) *state {
	t.Helper()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	about := Address{Network: "tcp", Dial: "a:80"}
	state := newState(nil)
	asked, err := c.address(about)
	if err != nil {
		t.Fatal(err)
	}
	k, err := newChecker(c, newServer(asked, nil), about, state, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	k.to = to
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go k.run(ctx)
	synctest.Wait()
	return state
}

func TestAnUpstreamIsDownAfterSoManyFailedChecksAndUpAfterSoManyPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var status atomic.Int64
		status.Store(200)
		state := checkerOf(t, ActiveHealth{URI: "/", Interval: 10 * time.Second, Fails: 3, Passes: 2},
			func(*http.Request) (*http.Response, error) { return said(int(status.Load()), "") })
		at := func(seconds time.Duration, sick bool) {
			t.Helper()
			time.Sleep(seconds * time.Second)
			synctest.Wait()
			if state.sick.Load() != sick {
				t.Errorf("at %v: sick = %v", time.Now().Format("04:05"), !sick)
			}
		}
		at(5, false)
		status.Store(500)
		at(10, false) // one failure, at 10 s
		at(10, false)
		status.Store(200)
		at(10, false) // they were not in a row
		status.Store(500)
		at(20, false)
		at(10, true)
		status.Store(204)
		at(10, true)
		at(10, false)
	})
}

func TestWhatMakesACheckPass(t *testing.T) {
	redirected := func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/there" {
			return said(200, "ok")
		}
		response, _ := said(302, "")
		response.Header.Set("Location", "http://elsewhere.test/there")
		return response, nil
	}
	always := func(status int, body string) answering {
		return func(*http.Request) (*http.Response, error) { return said(status, body) }
	}
	for _, c := range []struct {
		name   string
		config ActiveHealth
		to     answering
		sick   bool
	}{
		{"200", ActiveHealth{}, always(200, ""), false},
		{"299", ActiveHealth{}, always(299, ""), false},
		{"302", ActiveHealth{}, always(302, ""), true},
		{"500", ActiveHealth{}, always(500, ""), true},
		{"500 as written", ActiveHealth{Status: 500}, always(500, ""), false},
		{"404 as its hundred is written", ActiveHealth{Status: 4}, always(404, ""), false},
		{"200 if 204 is written", ActiveHealth{Status: 204}, always(200, ""), true},
		{"body", ActiveHealth{Body: "^o+k$"}, always(200, "ook"), false},
		{"another body", ActiveHealth{Body: "^o+k$"}, always(200, "no"), true},
		{"a match beyond the first megabyte", ActiveHealth{Body: "end"}, always(200, strings.Repeat(" ", mostOfBody)+"end"), true},
		{"no answer", ActiveHealth{}, func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }, true},
		{"an answer that never comes", ActiveHealth{Timeout: time.Second}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, true},
		{"a redirect that is not followed", ActiveHealth{}, redirected, true},
		{"a redirect that is", ActiveHealth{FollowRedirects: true}, redirected, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.config.URI = "/health"
				state := checkerOf(t, c.config, c.to)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if state.sick.Load() != c.sick {
					t.Errorf("sick = %v", !c.sick)
				}
			})
		})
	}
}

func TestACheckAsksAsWritten(t *testing.T) {
	for _, c := range []struct {
		name   string
		config ActiveHealth
		want   string
	}{
		{"the least", ActiveHealth{URI: "/h?a=b"}, "GET http://a:80/h?a=b for a:80: "},
		{"another port", ActiveHealth{Port: 9000}, "GET http://a:9000/ for a:9000: "},
		{"another upstream", ActiveHealth{Upstream: "b:1"}, "GET http://b:1/ for b:1: "},
		{"all of it", ActiveHealth{URI: "/", Method: "POST", Headers: http.Header{"Host": {"app.test"}, "X-A": {"b"}}, RequestBody: "hello"}, "POST http://a:80/ for app.test: b hello"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := ""
				checkerOf(t, c.config, func(r *http.Request) (*http.Response, error) {
					host, body := r.Host, []byte(nil)
					if r.Body != nil {
						body, _ = io.ReadAll(r.Body)
					}
					got = strings.TrimRight(r.Method+" "+r.URL.String()+" for "+host+": "+r.Header.Get("X-A")+" "+string(body), " ") + " "
					return said(200, "")
				})
				if strings.TrimSpace(got) != strings.TrimSpace(c.want) {
					t.Errorf("asked %q, want %q", got, c.want)
				}
			})
		})
	}
}
