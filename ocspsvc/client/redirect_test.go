package client_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// redirecting answers every request with a status and a Location.
type redirecting struct {
	status   int
	location string
	methods  []string
}

func (r *redirecting) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r.methods = append(r.methods, hr.Method)
	if r.location != "" {
		w.Header().Set("Location", r.location)
	}
	w.WriteHeader(r.status)
}

// redirected is a world whose leaf names a URL that redirects.
func redirected(t *testing.T, path string, r *redirecting) *world {
	w := newWorld(t)
	w.Name("old.example", "8.8.4.4")
	w.Serve("8.8.4.4:80", r)
	w.urls("http://old.example" + path)
	return w
}

func TestAPOSTStaysAPOSTWithItsBody(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		synctest.Test(t, func(t *testing.T) {
			old := &redirecting{status: status, location: "http://ocsp.example/new?x=1"}
			w := redirected(t, "/?posted", old)
			w.wantAsked(w.responder, ocspsvc.ReasonGood, "POST sha1")
			if hit := w.responder.Hits()[0]; hit.Path != "/new?x=1" || hit.Requests != 1 {
				t.Errorf("after %d: posted %d CertIDs to %s", status, hit.Requests, hit.Path)
			}
		})
	}
}

func TestAPOSTIsNotTurnedIntoAGETWithoutItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &redirecting{status: 303, location: "http://ocsp.example/"}
		w := redirected(t, "/?posted", old)
		w.wantReason(ocspsvc.ReasonHTTPError)
		if w.responder.Count() != 0 {
			t.Error("the target of a 303 was asked without a request")
		}
		if !slices.Equal(old.methods, []string{"POST"}) {
			t.Errorf("asked by %q", old.methods)
		}
	})
}

func TestAGETFollowsRedirectsWithTheRequestInTheirPath(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.Name("old.example", "8.8.4.4")
			w.Serve("8.8.4.4:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "http://ocsp.example"+r.RequestURI, status)
			}))
			w.urls("http://old.example/")
			w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
		})
	}
}

func TestARelativeRedirectIsResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("old.example", "8.8.4.4")
		mux := http.NewServeMux()
		mux.Handle("/new/", w.responder)
		mux.Handle("/old/", http.RedirectHandler("../new/x", http.StatusPermanentRedirect))
		w.Serve("8.8.4.4:80", mux)
		w.urls("http://old.example/old/?posted")
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "POST sha1")
	})
}

func TestThreeRedirectsAreFollowedAndAFourthIsNot(t *testing.T) {
	for chain, want := range map[int]ocspsvc.Reason{3: ocspsvc.ReasonGood, 4: ocspsvc.ReasonHTTPError} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			mux := http.NewServeMux()
			for i := range chain {
				mux.Handle(fmt.Sprintf("/%d", i), http.RedirectHandler(fmt.Sprintf("/%d?posted", i+1), http.StatusTemporaryRedirect))
			}
			mux.Handle(fmt.Sprintf("/%d", chain), w.responder)
			w.Name("old.example", "8.8.4.4")
			w.Serve("8.8.4.4:80", mux)
			w.urls("http://old.example/0?posted")
			w.wantReason(want)
		})
	}
}

func TestEveryRedirectIsGuardedAgain(t *testing.T) {
	for _, location := range []string{
		"http://127.0.0.1/", "http://[::1]:9000/", "http://169.254.169.254/latest/meta-data/", "http://inside.example/",
		"http://10.0.0.1:80/", "//10.0.0.1/", "http://0x7f.1/", "http://2130706433/", "http://[64:ff9b::10.0.0.1]/",
		"file:///etc/passwd", "ftp://ocsp.example/", "http://user@ocsp.example/", "http://ocsp.example/#f", "https://10.0.0.1/",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := redirected(t, "/", &redirecting{status: 302, location: location})
			w.Name("inside.example", "10.0.0.1")
			inside := w.another("10.0.0.1:80", ocsptest.Good)
			w.wantReason(ocspsvc.ReasonBlockedAddress)
			if inside.Count() != 0 {
				t.Errorf("a redirect to %s was followed", location)
			}
			for _, dialled := range w.Dials() {
				if dialled != "8.8.4.4:80" {
					t.Errorf("a redirect to %s dialled %s", location, dialled)
				}
			}
		})
	}
}

func TestARedirectToNowhereIsAnHTTPError(t *testing.T) {
	for _, location := range []string{"", "http://[", "http://ocsp.example/%zz"} {
		synctest.Test(t, func(t *testing.T) {
			redirected(t, "/", &redirecting{status: 302, location: location}).wantReason(ocspsvc.ReasonHTTPError)
		})
	}
}

func TestARedirectLeavesEveryOtherURLARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var urls []string
		for i := range 7 {
			host := fmt.Sprintf("r%d.example", i)
			w.Name(host, fmt.Sprintf("8.8.4.%d", i))
			w.Serve(fmt.Sprintf("8.8.4.%d:80", i), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, r.RequestURI, http.StatusFound)
			}))
			urls = append(urls, "http://"+host+"/")
		}
		w.urls(append(urls, "http://ocsp.example/")...)
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
	})
}

func TestLongBodiesAreNotReadToTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var sent atomic.Int64
		w.Serve("8.8.4.4:80", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				n, err := rw.Write(bytes.Repeat([]byte{0x30}, 1<<10))
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		}))
		w.Name("big.example", "8.8.4.4")
		w.urls("http://big.example/?posted")
		w.wantReason(ocspsvc.ReasonTooLarge)
		synctest.Wait()
		if sent.Load() > 100<<10 { // 64 KiB and the buffers on the way
			t.Errorf("%d bytes were read", sent.Load())
		}
	})
}

func TestLongHeadersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Serve("8.8.4.4:80", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Long", strings.Repeat("x", 32<<10))
			io.WriteString(rw, "x")
		}))
		w.Name("big.example", "8.8.4.4")
		w.urls("http://big.example/?posted")
		w.wantReason(ocspsvc.ReasonUnreachable)
	})
}
