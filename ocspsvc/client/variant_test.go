package client_test

import (
	"crypto"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

func TestTheFirstQuestionIsAGETBySHA1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
		hit := w.responder.Hits()[0]
		if hit.Requests != 1 || hit.Nonce != nil {
			t.Errorf("asked for %d CertIDs with nonce %x", hit.Requests, hit.Nonce)
		}
		if got := hit.Header.Get("Accept"); got != "application/ocsp-response" {
			t.Errorf("Accept = %q", got)
		}
		for _, absent := range []string{"Accept-Encoding", "Cache-Control", "Pragma", "Content-Type", "Cookie", "Authorization"} {
			if got := hit.Header.Get(absent); got != "" {
				t.Errorf("%s = %q", absent, got)
			}
		}
	})
}

// RFC 6960 appendix A.1, and RFC 9919 §3.1: what is sent is exactly one CertID.
func TestTheRequestOfAGETIsBase64PercentEncoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 { // until every special character has occurred
			w := newWorld(t)
			w.urls("http://ocsp.example/")
			w.wantReason(ocspsvc.ReasonGood)
			path := w.responder.Hits()[0].Path
			if strings.ContainsAny(path[1:], "/+= ") {
				t.Fatalf("path %q is not percent-encoded", path)
			}
			encoded, err := url.PathUnescape(path[1:])
			if err != nil {
				t.Fatal(err)
			}
			der, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			req, err := ocspsvc.ParseRequest(der)
			if err != nil || len(req.CertIDs) != 1 || !req.CertIDs[0].Matches(w.leaf.Cert, w.ca.Cert) || len(req.Extensions) > 0 || req.Signed {
				t.Fatalf("request %+v, %v", req, err)
			}
		}
	})
}

func TestGETIsForShortURLsWithoutQuery(t *testing.T) {
	request := make([]byte, 90) // 120 octets of base64
	for _, tt := range []struct{ raw, want string }{
		{"http://ocsp.example", "http://ocsp.example/" + strings.Repeat("A", 120)},
		{"http://ocsp.example/", "http://ocsp.example/" + strings.Repeat("A", 120)},
		{"http://ocsp.example/ca1", "http://ocsp.example/ca1/" + strings.Repeat("A", 120)},
		{"http://ocsp.example/ca1/", "http://ocsp.example/ca1/" + strings.Repeat("A", 120)},
		{"http://ocsp.example/a//b%2Fc", "http://ocsp.example/a//b%2Fc/" + strings.Repeat("A", 120)},
		{"http://[2606::1]:8080/", "http://[2606::1]:8080/" + strings.Repeat("A", 120)},
		{"https://ocsp.example/", "https://ocsp.example/" + strings.Repeat("A", 120)},
		{"http://ocsp.example/?ca=1", ""},
		{"http://ocsp.example/?", ""},
		{"http://ocsp.example/" + strings.Repeat("x", 114), "http://ocsp.example/" + strings.Repeat("x", 114) + "/" + strings.Repeat("A", 120)}, // 255
		{"http://ocsp.example/" + strings.Repeat("x", 115), ""},                                                                                 // 256
	} {
		u, err := url.Parse(tt.raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := client.GetURL(u, request); got != tt.want {
			t.Errorf("GET of %s = %q, want %q", tt.raw, got, tt.want)
		}
	}
	u, _ := url.Parse("http://ocsp.example/")
	if got := client.GetURL(u, []byte{0xfb, 0xff, 0xfe, 0xff}); got != "http://ocsp.example/%2B%2F%2F%2B%2Fw%3D%3D" {
		t.Errorf("+, / and = are sent as %q", got)
	}
}

func TestLongURLsAndQueriesArePosted(t *testing.T) {
	for _, path := range []string{"/" + strings.Repeat("long/", 30), "/ocsp?ca=1&x=%20"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.urls("http://ocsp.example" + path)
			w.wantAsked(w.responder, ocspsvc.ReasonGood, "POST sha1")
			hit := w.responder.Hits()[0]
			if hit.Path != path || hit.Header.Get("Content-Type") != "application/ocsp-request" {
				t.Errorf("posted to %q as %q", hit.Path, hit.Header.Get("Content-Type"))
			}
		})
	}
}

func TestPortsPathsAndIPv6LiteralsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var host, uri string
		w.Serve("[2606:4700::1]:8080", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			host, uri = r.Host, r.RequestURI
			w.responder.ServeHTTP(rw, r)
		}))
		w.urls("http://[2606:4700::1]:8080/a//b%2Fc/")
		w.wantReason(ocspsvc.ReasonGood)
		if host != "[2606:4700::1]:8080" || !strings.HasPrefix(uri, "/a//b%2Fc/M") {
			t.Errorf("asked %s for %s", host, uri)
		}
	})
}

func TestAMethodThatFailsIsFollowedByTheOtherAndRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keep()
		w.responder.Change(func(s *ocsptest.Settings) { s.Only = "POST" })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1", "POST sha1")
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "POST sha1")
		w.responder.Change(func(s *ocsptest.Settings) { s.Only = "GET" })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "POST sha1", "GET sha1")
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
	})
}

func TestSHA256FollowsWhereSHA1IsRefusedAndIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keep()
		w.responder.Change(func(s *ocsptest.Settings) { s.OnlyHash = crypto.SHA256 })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1", "GET sha256")
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha256")
		w.responder.Change(func(s *ocsptest.Settings) { s.OnlyHash = crypto.SHA1 })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha256", "GET sha1")
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
	})
}

// A responder that names certificates by SHA-256 whatever it is asked by.
func TestAnAnswerByAnotherHashIsAskedForByThatHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keep()
		id, err := ocspsvc.NewCertID(w.leaf.Cert, w.ca.Cert, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		var requests int
		w.Serve("8.8.4.4:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			requests++
			resp, err := w.responder.Respond(r.Context(), &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}})
			if err != nil {
				t.Error(err)
				return
			}
			rw.Write(resp.Raw)
		}))
		w.Move("ocsp.example")
		w.Name("ocsp.example", "8.8.4.4")
		w.wantReason(ocspsvc.ReasonGood)
		w.wantReason(ocspsvc.ReasonGood)
		if requests != 3 { // two, and one that remembers
			t.Errorf("%d requests, want 3", requests)
		}
	})
}

func TestWhatWasLearnedIsForgottenAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keep()
		w.responder.Change(func(s *ocsptest.Settings) { s.Only, s.OnlyHash = "POST", crypto.SHA256 })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1", "POST sha1", "POST sha256")
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "POST sha256")
		time.Sleep(12 * time.Hour)
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "POST sha256")
		time.Sleep(12 * time.Hour)
		w.responder.Change(func(s *ocsptest.Settings) { s.Only, s.OnlyHash = "", 0 })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
	})
}

func TestWhatWasLearnedIsOfOneResponder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keep()
		w.responder.Change(func(s *ocsptest.Settings) { s.OnlyHash = crypto.SHA256 })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1", "GET sha256")
		w.Name("other.example", "8.8.4.4")
		other := w.another("8.8.4.4:80", ocsptest.Good)
		w.urls("http://other.example/")
		w.wantAsked(other, ocspsvc.ReasonGood, "GET sha1")
	})
}

func TestCertIDSHA256AsksThatFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.CertID = "sha256"
		w.keep()
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha256")
		w.responder.Change(func(s *ocsptest.Settings) { s.OnlyHash = crypto.SHA1 })
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha256", "GET sha1")
		w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
	})
}

// What follows a failure, at a responder that never gets better.
func TestFailuresSuggestOtherVariants(t *testing.T) {
	both := []string{"GET sha1", "GET sha256"}
	for fault, want := range map[ocsptest.Fault][]string{
		ocsptest.Unauthorized:      both,
		ocsptest.InternalError:     both,
		ocsptest.WrongSerial:       both,
		ocsptest.Unknown:           both,
		ocsptest.MalformedRequest:  {"GET sha1", "GET sha256", "POST sha256", "POST sha1"},
		ocsptest.TryLater:          {"GET sha1"},
		ocsptest.SigRequired:       {"GET sha1"},
		ocsptest.HTTP404:           {"GET sha1", "POST sha1"},
		ocsptest.Garbage:           {"GET sha1", "POST sha1"},
		ocsptest.Oversize:          {"GET sha1", "POST sha1"},
		ocsptest.ConnectionDropped: {"GET sha1", "POST sha1"},
		ocsptest.BadSignature:      {"GET sha1"},
		ocsptest.LeafSigner:        {"GET sha1"},
		ocsptest.Expired:           {"GET sha1", "GET sha1 no-cache"},
		ocsptest.Future:            {"GET sha1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.responder.Set(fault)
			before := w.responder.Count()
			w.wantReason(expected(fault))
			if got := asked(w.responder, before); !slices.Equal(got, want) {
				t.Errorf("%s: asked by %q, want %q", fault, got, want)
			}
		})
	}
}

// C15: a cache may have kept an expired response; the responder is asked past
// it once, and never otherwise.
func TestAnExpiredResponseIsAskedForPastTheCachesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keep()
		stale := ocsptest.NewResponder(t, w.ca)
		stale.Set(ocsptest.Expired)
		w.Serve("8.8.4.4:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cache-Control") == "no-cache" && r.Header.Get("Pragma") == "no-cache" {
				w.responder.ServeHTTP(rw, r)
				return
			}
			stale.ServeHTTP(rw, r)
		}))
		w.Name("cached.example", "8.8.4.4")
		w.urls("http://cached.example/")
		w.wantAsked(stale, ocspsvc.ReasonGood, "GET sha1")
		if got := asked(w.responder, 0); !slices.Equal(got, []string{"GET sha1 no-cache"}) {
			t.Errorf("past the cache: %q", got)
		}
		w.wantAsked(stale, ocspsvc.ReasonGood, "GET sha1") // not remembered
	})
}

func TestPastTheCachesOncePerURLNotPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("ocsp.example", "8.8.4.4")
		w.responder.Set(ocsptest.Expired)
		second := w.another("8.8.4.4:80", ocsptest.Expired)
		w.wantAsked(w.responder, ocspsvc.ReasonExpired, "GET sha1", "GET sha1 no-cache")
		if got := asked(second, 0); !slices.Equal(got, []string{"GET sha1"}) {
			t.Errorf("second address: %q", got)
		}
	})
}

// The Content-Type proves nothing; the signature does.
func TestAValidResponseOfAnotherContentTypeIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Serve("8.8.4.4:80", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			rw.Write(w.responder.DER(w.leaf))
		}))
		w.Name("odd.example", "8.8.4.4")
		w.urls("http://odd.example/")
		w.wantReason(ocspsvc.ReasonGood)
	})
}

func TestABodyThatIsNoResponseNamesItsContentType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Set(ocsptest.HTML)
		if _, err := w.fetch(); err == nil || !strings.Contains(err.Error(), `Content-Type "text/html"`) {
			t.Errorf("error = %v", err)
		}
	})
}
