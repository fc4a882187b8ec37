package responder_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// room is a CA with one good leaf and a served signer.
type room struct {
	ca      *ocsptest.CA
	leaf    *ocsptest.Leaf
	records *responder.Memory
	signer  *responder.Signer
	url     string
}

func newRoom(t *testing.T, prefix string, opts ...ocsptest.Option) *room {
	t.Helper()
	ca := ocsptest.NewCA(t, opts...)
	r := &room{ca: ca, leaf: ca.Leaf(t), records: responder.NewMemory()}
	r.records.Set(responder.IssuerIDOf(r.ca.Cert), r.leaf.Cert.SerialNumber, responder.Record{Status: ocspsvc.Good})
	r.restart(t, prefix)
	return r
}

// restart serves a signer that has read no records yet.
func (r *room) restart(t *testing.T, prefix string) {
	t.Helper()
	var err error
	if r.signer, err = responder.NewSigner(responder.Config{}, keysOf(r.ca.Cert, nil, r.ca.Key), r.records, nil); err != nil {
		t.Fatal(err)
	}
	r.url = serve(t, r.signer, prefix)
}

func serve(t *testing.T, source ocspsvc.Source, prefix string) string {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := httptest.NewServer(responder.Handler(source, responder.Options{Prefix: prefix, Log: log}))
	t.Cleanup(server.Close)
	return server.URL + prefix
}

func (r *room) request(t *testing.T, nonce []byte) []byte {
	t.Helper()
	id, err := ocspsvc.NewCertID(r.leaf.Cert, r.ca.Cert, crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	der, err := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: nonce}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// send makes a request and returns the response with its whole body.
func send(t *testing.T, method, url string, body []byte) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	der, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, der
}

// status verifies the body as a response about the room's leaf.
func (r *room) status(t *testing.T, der []byte, nonce []byte) ocspsvc.Status {
	t.Helper()
	response, err := ocspsvc.ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := ocspsvc.Verify(response, r.leaf.Cert, r.ca.Cert, time.Now(), ocspsvc.VerifyOptions{Nonce: nonce})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(response.Nonce, nonce) {
		t.Errorf("nonce = %x, want %x", response.Nonce, nonce)
	}
	return verdict.Status
}

func TestPostAndEveryFormOfGetAreAnswered(t *testing.T) {
	for _, prefix := range []string{"", "/ocsp", "/pki/ocsp/"} {
		r := newRoom(t, prefix)
		nonce, der, std := r.awkward(t)
		urlSafe := base64.URLEncoding.EncodeToString(der)
		base := strings.TrimSuffix(r.url, "/")
		forms := map[string]string{
			"percent-encoded":            base + "/" + url.PathEscape(std),
			"everything percent-encoded": base + "/" + url.QueryEscape(std),
			"plain":                      base + "/" + std,
			"two slashes first":          base + "//" + std,
			"behind directories":         base + "/pki/Main/" + std,
			"directories, encoded":       base + "/MIIB//M/" + url.QueryEscape(std),
			"without padding":            base + "/" + strings.TrimRight(std, "="),
			"URL-safe":                   base + "/" + urlSafe,
			"URL-safe without padding":   base + "/" + strings.TrimRight(urlSafe, "="),
		}
		for name, form := range forms {
			response, body := send(t, http.MethodGet, form, nil)
			if response.StatusCode != http.StatusOK {
				t.Errorf("GET %s: %s", name, response.Status)
				continue
			}
			if got := r.status(t, body, nonce); got != ocspsvc.Good {
				t.Errorf("GET %s: status %q, want good", name, got)
			}
		}
		_, body := send(t, http.MethodPost, r.url, der)
		if got := r.status(t, body, nonce); got != ocspsvc.Good {
			t.Errorf("POST: status %q, want good", got)
		}
	}
}

// awkward makes a request whose base64 holds "//", "+" and padding.
func (r *room) awkward(t *testing.T) (nonce, der []byte, std string) {
	t.Helper()
	for n := 16; n <= 32; n++ {
		nonce = bytes.Repeat([]byte{0xff, 0xff, 0xff, 0xfb, 0xef, 0xbe, 0xfb}, 5)[:n]
		der = r.request(t, nonce)
		std = base64.StdEncoding.EncodeToString(der)
		if strings.Contains(std, "//") && strings.Contains(std, "+") && strings.HasSuffix(std, "=") {
			return nonce, der, std
		}
	}
	t.Fatal("no nonce makes the base64 awkward")
	return nil, nil, ""
}

// A path only starts with the prefix if it goes on with a slash, or ends.
func TestOnlyPathsUnderThePrefixAreRead(t *testing.T) {
	r := newRoom(t, "/ocsp")
	encoded := base64.URLEncoding.EncodeToString(r.request(t, nil))
	for path, want := range map[string]bool{
		"/ocsp/" + encoded: true, "/ocsp%2F" + encoded: true, "/ocsp%2f" + encoded: true, "/ocsp/ca1/" + encoded: true,
		"/ocsp" + encoded: false, "/ocspx/" + encoded: false, "/ocs/" + encoded: false, "/" + encoded: false, "/ocsp": false, "/ocsp/": false,
		"/ocsp/" + encoded + "/": false, "/ocsp/" + encoded + "/more": false, "/ocsp/" + encoded + encoded: false,
	} {
		_, body := send(t, http.MethodGet, strings.TrimSuffix(r.url, "/ocsp")+path, nil)
		response, err := ocspsvc.ParseResponse(body)
		if err != nil || (response.ResponseStatus == ocspsvc.Successful) != want {
			t.Errorf("GET %s: %v, %v", path, response, err)
		}
	}
}

func TestAnswersMayBeCachedAndErrorsMayNot(t *testing.T) {
	r := newRoom(t, "")
	get := r.url + "/" + url.PathEscape(base64.StdEncoding.EncodeToString(r.request(t, nil)))
	response, body := send(t, http.MethodGet, get, nil)
	parsed, err := ocspsvc.ParseResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	single, sum := parsed.Singles[0], sha256.Sum256(body)
	for name, want := range map[string]string{
		"Content-Type":   "application/ocsp-response",
		"Content-Length": strconv.Itoa(len(body)),
		"Last-Modified":  single.ThisUpdate.UTC().Format(http.TimeFormat),
		"Expires":        single.NextUpdate.UTC().Format(http.TimeFormat),
		"ETag":           `"` + hex.EncodeToString(sum[:]) + `"`,
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	control := response.Header.Get("Cache-Control")
	if !strings.HasPrefix(control, "max-age=4319") || !strings.HasSuffix(control, ", public, no-transform, must-revalidate") {
		t.Errorf("Cache-Control = %q, want half of a day", control)
	}
	if response.Header.Get("Date") == "" {
		t.Error("no Date")
	}
	response, body = send(t, http.MethodPost, r.url, []byte("garbage"))
	if got := response.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of an error = %q, want no-store", got)
	}
	if want := ocspsvc.MarshalError(ocspsvc.MalformedRequest); response.StatusCode != 200 || !bytes.Equal(body, want) {
		t.Errorf("garbage got %s and % x, want 200 and % x", response.Status, body, want)
	}
}

// What several certificates are said to be holds while all of it does.
func TestAnAnswerIsCachedForAsLongAsAllOfItHolds(t *testing.T) {
	r := newRoom(t, "")
	now := time.Now().Truncate(time.Second)
	spans := [][2]time.Duration{{-3, 5}, {-1, 9}, {-2, 4}, {-9, 7}}
	single := func(from, until time.Duration) ocspsvc.Single {
		id, err := ocspsvc.NewCertID(r.leaf.Cert, r.ca.Cert, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return ocspsvc.Single{CertID: id, Status: ocspsvc.Good, ThisUpdate: now.Add(from * time.Hour), NextUpdate: now.Add(until * time.Hour)}
	}
	for first := range spans {
		var template ocspsvc.Template
		for i := range spans {
			span := spans[(first+i)%len(spans)]
			template.Singles = append(template.Singles, single(span[0], span[1]))
		}
		response, err := template.Sign(r.ca.Cert, r.ca.Key)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := send(t, http.MethodPost, serve(t, fixedSource{response: response}, ""), r.request(t, nil))
		if got, want := answer.Header.Get("Expires"), now.Add(4*time.Hour).UTC().Format(http.TimeFormat); got != want {
			t.Errorf("Expires = %s, want %s", got, want)
		}
		if got, want := answer.Header.Get("Last-Modified"), now.Add(-time.Hour).UTC().Format(http.TimeFormat); got != want {
			t.Errorf("Last-Modified = %s, want %s", got, want)
		}
	}
}

func TestAnUnchangedAnswerIsNotSentAgain(t *testing.T) {
	r := newRoom(t, "")
	response, err := r.signer.Respond(t.Context(), parseRequest(t, r.request(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	base := serve(t, fixedSource{response: response}, "")
	get := base + "/" + url.PathEscape(base64.StdEncoding.EncodeToString(r.request(t, nil)))
	first, _ := send(t, http.MethodGet, get, nil)
	req := httptest.NewRequest(http.MethodGet, get, nil)
	req.Header.Set("If-None-Match", first.Header.Get("ETag"))
	w := httptest.NewRecorder()
	responder.Handler(fixedSource{response: response}, responder.Options{}).ServeHTTP(w, req)
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("status %d with %d octets, want 304 with none", w.Code, w.Body.Len())
	}
}

func TestOtherMethodsAndLargeRequestsAreRefused(t *testing.T) {
	r := newRoom(t, "")
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		response, _ := send(t, method, r.url, nil)
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: %s, Allow %q; want 405 and GET, POST", method, response.Status, response.Header.Get("Allow"))
		}
	}
	large := make([]byte, ocspsvc.MaxRequestSize+1)
	if response, _ := send(t, http.MethodPost, r.url, large); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("large POST: %s, want 413", response.Status)
	}
	if response, _ := send(t, http.MethodGet, r.url+"/"+strings.Repeat("A", 50_000), nil); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("large GET: %s, want 413", response.Status)
	}
}

// fixedSource answers everything the same.
type fixedSource struct {
	response *ocspsvc.Response
	err      error
}

func (s fixedSource) Respond(context.Context, *ocspsvc.Request) (*ocspsvc.Response, error) {
	return s.response, s.err
}

func parseRequest(t *testing.T, der []byte) *ocspsvc.Request {
	t.Helper()
	req, err := ocspsvc.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestErrorsBecomeUnsignedAnswersWithStatus200(t *testing.T) {
	r := newRoom(t, "")
	good := r.request(t, nil)
	for _, test := range []struct {
		name string
		err  error
		body []byte
		get  string
		want ocspsvc.ResponseStatus
	}{
		{"another issuer", ocspsvc.ErrNotOurs, good, "", ocspsvc.Unauthorized},
		{"deadline", context.DeadlineExceeded, good, "", ocspsvc.TryLater},
		{"client gone", context.Canceled, good, "", ocspsvc.TryLater},
		{"trouble", errors.New("database is closed"), good, "", ocspsvc.InternalError},
		{"trailing octet", nil, append(bytes.Clone(good), 0), "", ocspsvc.MalformedRequest},
		{"empty body", nil, nil, "", ocspsvc.MalformedRequest},
		{"bad escape", nil, nil, "/%zz", ocspsvc.MalformedRequest},
		{"no base64", nil, nil, "/MEow!", ocspsvc.MalformedRequest},
		{"no path", nil, nil, "/", ocspsvc.MalformedRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := responder.Handler(fixedSource{err: test.err}, responder.Options{})
			w, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(test.body))
			if test.get != "" {
				req = httptest.NewRequest(http.MethodGet, "/", nil)
				req.URL.Path, req.URL.RawPath = test.get, test.get
			}
			handler.ServeHTTP(w, req)
			if want := ocspsvc.MarshalError(test.want); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), want) {
				t.Errorf("%d and % x, want 200 and %s", w.Code, w.Body.Bytes(), test.want)
			}
		})
	}
}

func TestGetOutsideThePrefixIsMalformed(t *testing.T) {
	r := newRoom(t, "/ocsp")
	handler := responder.Handler(r.signer, responder.Options{Prefix: "/ocsp"})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/elsewhere/MEow", nil))
	if want := ocspsvc.MarshalError(ocspsvc.MalformedRequest); !bytes.Equal(w.Body.Bytes(), want) {
		t.Errorf("% x, want malformedRequest", w.Body.Bytes())
	}
}
