package ocsptest_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

type stage struct {
	ca        *ocsptest.CA
	leaf      *ocsptest.Leaf
	responder *ocsptest.Responder
	url       string
	endless   bool // nothing is going to come
}

func newStage(t *testing.T) *stage {
	t.Helper()
	ca := ocsptest.NewCA(t)
	s := &stage{ca: ca, responder: ocsptest.NewResponder(t, ca)}
	s.url = s.responder.Start(t)
	s.leaf = ca.Leaf(t, ocsptest.OCSP(s.url))
	s.responder.UseLeaf(s.leaf)
	return s
}

func (s *stage) request(t *testing.T, leaf *ocsptest.Leaf, hash crypto.Hash) []byte {
	t.Helper()
	id, err := ocspsvc.NewCertID(leaf.Cert, leaf.Issuer.Cert, hash)
	if err != nil {
		t.Fatal(err)
	}
	der, err := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: []byte("0123456789abcdef")}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// reason asks once, as a simple client would, and names what it got.
func (s *stage) reason(t *testing.T, leaf *ocsptest.Leaf, hash crypto.Hash) ocspsvc.Reason {
	t.Helper()
	patience := 10 * time.Second
	if s.endless {
		patience = 200 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	der, status, err := post(ctx, s.url, s.request(t, leaf, hash))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ocspsvc.ReasonTimeout
	case err != nil:
		return ocspsvc.ReasonUnreachable
	case status != http.StatusOK:
		return ocspsvc.ReasonHTTPError
	}
	response, err := ocspsvc.ParseResponse(der)
	if err != nil {
		return ocspsvc.ReasonOf(err)
	}
	verdict, _ := ocspsvc.Verify(response, leaf.Cert, leaf.Issuer.Cert, time.Now(),
		ocspsvc.VerifyOptions{MaxAge: 10 * 24 * time.Hour, Nonce: []byte("0123456789abcdef")})
	return verdict.Reason
}

func post(ctx context.Context, url string, body []byte) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	response, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	der, err := io.ReadAll(response.Body)
	return der, response.StatusCode, err
}

func TestEveryFaultIsSeenOverHTTP(t *testing.T) {
	s := newStage(t)
	s.responder.Change(func(s *ocsptest.Settings) { s.Drip = 100 * time.Microsecond })
	for _, fault := range ocsptest.Faults() {
		s.responder.Set(fault)
		before := s.responder.Count()
		s.endless = fault.Reason() == ocspsvc.ReasonTimeout
		if got := s.reason(t, s.leaf, crypto.SHA1); got != fault.Reason() {
			t.Errorf("%s: reason %s, want %s", fault, got, fault.Reason())
		}
		if got := s.responder.Count() - before; got != 1 && fault != ocsptest.ConnectionDropped {
			t.Errorf("%s: %d hits, want 1", fault, got)
		}
	}
}

func TestFaultsAreNamedAndListedOnce(t *testing.T) {
	seen := map[ocsptest.Fault]bool{}
	for _, fault := range ocsptest.Faults() {
		if fault == "" || seen[fault] {
			t.Errorf("fault %q is empty or twice in the list", fault)
		}
		seen[fault] = true
	}
}

func TestFaultsCanBeForOneLeaf(t *testing.T) {
	s := newStage(t)
	other := s.ca.Leaf(t)
	s.responder.SetFor(other, ocsptest.Revoked)
	if got := s.reason(t, s.leaf, crypto.SHA1); got != ocspsvc.ReasonGood {
		t.Errorf("the leaf is %s", got)
	}
	if got := s.reason(t, other, crypto.SHA1); got != ocspsvc.ReasonRevoked {
		t.Errorf("the other is %s", got)
	}
	if s.responder.CountFor(other) != 1 || s.responder.Count() != 2 {
		t.Errorf("%d of %d hits are for the other", s.responder.CountFor(other), s.responder.Count())
	}
	s.responder.Set(ocsptest.Unknown)
	if got := s.reason(t, other, crypto.SHA1); got != ocspsvc.ReasonUnknown {
		t.Errorf("after Set the other is %s", got)
	}
}

func TestSettingsLimitWhatIsAnswered(t *testing.T) {
	s := newStage(t)
	foreign := ocsptest.NewCA(t).Leaf(t)
	if got := s.reason(t, foreign, crypto.SHA1); got != ocspsvc.ReasonResponderError {
		t.Errorf("another CA's leaf is %s", got)
	}
	s.responder.Change(func(s *ocsptest.Settings) { s.OnlyHash = crypto.SHA256 })
	for hash, want := range map[crypto.Hash]ocspsvc.Reason{crypto.SHA1: ocspsvc.ReasonResponderError, crypto.SHA256: ocspsvc.ReasonGood} {
		if got := s.reason(t, s.leaf, hash); got != want {
			t.Errorf("%v: %s, want %s", hash, got, want)
		}
	}
	s.responder.Change(func(s *ocsptest.Settings) { s.Only = http.MethodGet })
	if got := s.reason(t, s.leaf, crypto.SHA256); got != ocspsvc.ReasonHTTPError {
		t.Errorf("POST to a GET-only responder: %s", got)
	}
	s.responder.Change(func(s *ocsptest.Settings) { s.Only, s.Delay = "", time.Minute })
	s.endless = true
	if got := s.reason(t, s.leaf, crypto.SHA256); got != ocspsvc.ReasonTimeout {
		t.Errorf("slow responder: %s", got)
	}
}

func TestGetIsAnsweredAndLogged(t *testing.T) {
	s := newStage(t)
	s.responder.Change(func(s *ocsptest.Settings) { s.Validity, s.Age, s.Delegate = time.Hour, time.Minute, true })
	path := "/" + url.PathEscape(base64.StdEncoding.EncodeToString(s.request(t, s.leaf, crypto.SHA256)))
	w := httptest.NewRecorder()
	s.responder.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	response, err := ocspsvc.ParseResponse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := ocspsvc.Verify(response, s.leaf.Cert, s.ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
	if err != nil || verdict.NextUpdate.Sub(verdict.ThisUpdate) != time.Hour || time.Since(verdict.ThisUpdate) < time.Minute || verdict.SignerNotAfter.IsZero() {
		t.Errorf("verdict %+v, error %v", verdict, err)
	}
	hit := s.responder.Hits()[0]
	if hit.Method != http.MethodGet || hit.Path != path || hit.Hash != crypto.SHA256 || string(hit.Nonce) != "0123456789abcdef" ||
		hit.Requests != 1 || hit.Serial.Cmp(s.leaf.Cert.SerialNumber) != 0 {
		t.Errorf("hit = %+v", hit)
	}
	w = httptest.NewRecorder()
	s.responder.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/garbage", nil))
	if !bytes.Equal(w.Body.Bytes(), ocspsvc.MarshalError(ocspsvc.MalformedRequest)) || s.responder.Hits()[1].Hash != 0 {
		t.Errorf("garbage gets % x", w.Body.Bytes())
	}
}

func TestTroubleMayNameTheTimeToComeBack(t *testing.T) {
	s := newStage(t)
	s.responder.Change(func(s *ocsptest.Settings) { s.RetryAfter, s.Location = "120", "http://127.0.0.1:1/elsewhere" })
	for fault, want := range map[ocsptest.Fault]string{ocsptest.Good: "", ocsptest.HTTP503: "120", ocsptest.TryLater: "120", ocsptest.Redirect: "120"} {
		s.responder.Set(fault)
		w := httptest.NewRecorder()
		s.responder.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(s.request(t, s.leaf, crypto.SHA1))))
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("%s: Retry-After %q, want %q", fault, got, want)
		}
		if got := w.Header().Get("Location"); fault == ocsptest.Redirect && got != "http://127.0.0.1:1/elsewhere" {
			t.Errorf("Location = %q", got)
		}
	}
}

func TestCloseEndsEverythingThatHangs(t *testing.T) {
	for _, fault := range []ocsptest.Fault{ocsptest.Hang, ocsptest.HangAfterHeader, ocsptest.SlowDripForever} {
		synctest.Test(t, func(t *testing.T) {
			ca := ocsptest.NewCA(t)
			leaf, responder := ca.Leaf(t), ocsptest.NewResponder(t, ca)
			responder.Set(fault)
			ended := make(chan any, 1)
			go func() {
				defer func() { ended <- recover() }()
				id, _ := ocspsvc.NewCertID(leaf.Cert, ca.Cert, crypto.SHA1)
				der, _ := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}).Marshal()
				responder.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(der)))
			}()
			time.Sleep(time.Hour)
			select {
			case <-ended:
				t.Fatalf("%s ended by itself", fault)
			default:
			}
			responder.Close()
			if got := <-ended; got != http.ErrAbortHandler {
				t.Errorf("%s ended by %v", fault, got)
			}
		})
	}
}

func TestFetchReportsWhatAClientWould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := ocsptest.NewCA(t)
		leaf, responder := ca.Leaf(t), ocsptest.NewResponder(t, ca)
		responder.UseLeaf(leaf)
		responder.Change(func(s *ocsptest.Settings) { s.OnlyHash = crypto.SHA256 })
		for _, fault := range ocsptest.Faults() {
			want := fault.Reason()
			switch fault {
			case ocsptest.NonceMismatch, ocsptest.Old, ocsptest.Revoked, ocsptest.OnHold, ocsptest.NotIssued,
				ocsptest.GoodAndRevoked, ocsptest.Unknown, ocsptest.GoodAndUnknown:
				want = "" // no error: it sends no nonce, has no age, and a revocation is an answer
			case ocsptest.Good:
				want = ""
			}
			if want == ocspsvc.ReasonGood {
				want = ""
			}
			responder.Set(fault)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			response, err := responder.Fetch(ctx, leaf.Cert, ca.Cert)
			cancel()
			if ocspsvc.ReasonOf(err) != want || (response == nil) != (err != nil) {
				t.Errorf("%s: %v, want %q", fault, err, want)
			}
		}
		if hits := responder.Hits(); hits[0].Hash != crypto.SHA1 || hits[1].Hash != crypto.SHA256 {
			t.Errorf("asked by %v, then %v", hits[0].Hash, hits[1].Hash)
		}
	})
}

func TestDERIsNotCountedAndRefusesFaultsOfHTTP(t *testing.T) {
	s := newStage(t)
	if der := s.responder.DER(s.leaf); len(der) < 100 || s.responder.Count() != 0 {
		t.Errorf("%d octets, %d hits", len(der), s.responder.Count())
	}
	defer func() {
		if message, _ := recover().(string); !strings.Contains(message, "has no bytes") {
			t.Errorf("panic %q", message)
		}
	}()
	s.responder.Set(ocsptest.Hang)
	s.responder.DER(s.leaf)
}

func TestStartListensOnLoopback(t *testing.T) {
	s := newStage(t)
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		t.Errorf("listens on %s", u.Host)
	}
}
