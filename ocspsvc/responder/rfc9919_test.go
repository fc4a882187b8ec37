package responder_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// The rules are those of RFC 9919 and RFC 9654, and their numbers the project's.

func TestR12AnswersAreOfTheLightweightProfile(t *testing.T) {
	d := newDesk(t, responder.Config{Validity: 36 * time.Hour})
	for _, serial := range []*big.Int{d.leaf.Cert.SerialNumber, big.NewInt(5)} {
		response := d.post(t, requestDER(t, d.serialID(t, serial, crypto.SHA256)))
		single := response.Singles[0]
		if len(response.Singles) != 1 || len(response.Extensions) != 0 || response.Nonce != nil || len(single.Extensions) != 0 {
			t.Errorf("more than one plain single: %+v", response)
		}
		if len(response.ResponderID.KeyHash) != 20 {
			t.Errorf("ResponderID %v, want a key", response.ResponderID)
		}
		if single.NextUpdate.IsZero() || !single.ThisUpdate.Equal(response.ProducedAt) {
			t.Errorf("nextUpdate %v; thisUpdate %v, producedAt %v", single.NextUpdate, single.ThisUpdate, response.ProducedAt)
		}
		times := regexp.MustCompile(`\x18\x0f[0-9]{14}Z`).FindAll(response.Raw, -1)
		if others := bytes.Count(response.Raw, []byte{0x18, 0x0f}); len(times) != 3 || others != 3 {
			t.Errorf("%d times of the form YYYYMMDDHHMMSSZ and %d in all, want 3", len(times), others)
		}
	}
}

func TestR13WithNoncesIgnoredTheAnswerIsTheOneWithout(t *testing.T) {
	d := newDesk(t, responder.Config{Nonce: responder.NonceIgnore})
	for range 3 {
		id := d.certID(t, crypto.SHA1)
		response := d.post(t, marshalRequest(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: make([]byte, 32)}))
		if word(response) != "good" || response.Nonce != nil {
			t.Errorf("%s with nonce %x", word(response), response.Nonce)
		}
	}
	if got := d.signatures(t); got != 1 {
		t.Errorf("%d signatures, want 1", got)
	}
}

func TestR14HeadersAreThoseOfTheServedBytes(t *testing.T) { synctest.Test(t, r14) }

func r14(t *testing.T) {
	d := newDesk(t, responder.Config{Validity: 8 * time.Hour})
	der := requestDER(t, d.certID(t, crypto.SHA1))
	get := "/" + url.PathEscape(base64.StdEncoding.EncodeToString(der))
	for range 9 {
		for _, w := range []interface {
			Header() http.Header
		}{d.do(http.MethodGet, get, nil, nil), d.do(http.MethodPost, "/", der, nil)} {
			checkHeaders(t, w.Header(), d.do(http.MethodGet, get, nil, nil).Body.Bytes())
		}
		time.Sleep(53*time.Minute + 7*time.Second)
	}
	for name, body := range map[string][]byte{"malformedRequest": nil, "unauthorized": nil} {
		if name == "unauthorized" {
			d.open(t, responder.Config{Unissued: responder.UnissuedUnauthorized})
			body = requestDER(t, d.serialID(t, big.NewInt(5), crypto.SHA1))
		}
		header := d.do(http.MethodPost, "/", body, nil).Header()
		if header.Get("Cache-Control") != "no-store" || header.Get("Etag") != "" || header.Get("Expires") != "" || header.Get("Last-Modified") != "" {
			t.Errorf("%s: %v", name, header)
		}
	}
}

// checkHeaders holds the headers against RFC 9919 §6.
func checkHeaders(t *testing.T, header http.Header, body []byte) {
	t.Helper()
	response, err := ocspsvc.ParseResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	sum, single := sha256.Sum256(body), response.Singles[0]
	for name, want := range map[string]string{
		"Content-Type":   "application/ocsp-response",
		"Content-Length": strconv.Itoa(len(body)),
		"Last-Modified":  response.ProducedAt.UTC().Format(http.TimeFormat),
		"Expires":        single.NextUpdate.UTC().Format(http.TimeFormat),
		"Etag":           `"` + hex.EncodeToString(sum[:]) + `"`,
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	var n int
	var rest string
	if _, err := fmt.Sscanf(header.Get("Cache-Control"), "max-age=%d, %s", &n, &rest); err != nil ||
		header.Get("Cache-Control") != fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", n) {
		t.Errorf("Cache-Control = %q", header.Get("Cache-Control"))
	}
	until := time.Now().Add(time.Duration(n) * time.Second)
	if !single.ThisUpdate.Before(until) || !until.Before(single.NextUpdate) {
		t.Errorf("a cache keeps it until %v; valid from %v to %v", until, single.ThisUpdate, single.NextUpdate)
	}
	if left := time.Until(single.NextUpdate); left < 4*time.Hour {
		t.Errorf("only %v left: it has no successor past half of its life", left)
	}
}

func TestR14AnUnchangedAnswerIsNotSentAgainAndAChangedOneIs(t *testing.T) {
	synctest.Test(t, r14Unchanged)
}

func r14Unchanged(t *testing.T) {
	d := newDesk(t, responder.Config{})
	get := "/" + base64.URLEncoding.EncodeToString(requestDER(t, d.certID(t, crypto.SHA1)))
	etag := d.do(http.MethodGet, get, nil, nil).Header().Get("Etag")
	for _, value := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
		w := d.do(http.MethodGet, get, nil, http.Header{"If-None-Match": {value}})
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("Etag") != etag || w.Header().Get("Cache-Control") == "" || w.Header().Get("Expires") == "" {
			t.Errorf("If-None-Match %s: HTTP %d, %d octets, %v", value, w.Code, w.Body.Len(), w.Header())
		}
	}
	if w := d.do(http.MethodGet, get, nil, http.Header{"If-None-Match": {`"other"`}}); w.Code != http.StatusOK {
		t.Errorf("another ETag: HTTP %d", w.Code)
	}
	if w := d.do(http.MethodPost, "/", requestDER(t, d.certID(t, crypto.SHA1)), http.Header{"If-None-Match": {etag}}); w.Code != http.StatusOK {
		t.Errorf("POST has no use for an ETag: HTTP %d", w.Code)
	}
	d.revoke(time.Now())
	time.Sleep(time.Second)
	if w := d.do(http.MethodGet, get, nil, http.Header{"If-None-Match": {etag}, "If-Modified-Since": {time.Now().Add(time.Hour).Format(http.TimeFormat)}}); w.Code != http.StatusOK {
		t.Errorf("revoked meanwhile: HTTP %d", w.Code)
	}
}

func TestR15RecordsThatAreGoneAreUnauthorized(t *testing.T) { synctest.Test(t, r15) }

func r15(t *testing.T) {
	d := newDesk(t, responder.Config{Unissued: responder.UnissuedUnauthorized})
	if got := d.ask(t); got != "good" {
		t.Errorf("at first %s", got)
	}
	d.set(responder.Record{})
	time.Sleep(time.Second)
	if got := d.ask(t); got != "unauthorized" {
		t.Errorf("then %s, want unauthorized", got)
	}
	d.records.down.Store(true) // nothing of it is left to fall back on
	if got := d.ask(t); got != "tryLater" {
		t.Errorf("without a database %s, want tryLater", got)
	}
}

func TestR16NoncesAreEchoedByTheirLength(t *testing.T) {
	for _, test := range []struct {
		octets             int
		optional, required string
	}{
		{0, "malformedRequest", "malformedRequest"}, {1, "echo", "unauthorized"}, {15, "echo", "unauthorized"}, {16, "echo", "echo"},
		{32, "echo", "echo"}, {33, "echo", "echo"}, {128, "echo", "echo"}, {129, "malformedRequest", "malformedRequest"},
	} {
		for policy, want := range map[responder.NoncePolicy]string{responder.NonceOptional: test.optional, responder.NonceRequired: test.required} {
			d := newDesk(t, responder.Config{Nonce: policy})
			nonce := bytes.Repeat([]byte{0xa5}, test.octets)
			value, err := asn1.Marshal(nonce)
			if err != nil {
				t.Fatal(err)
			}
			extension := extensionDER(t, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Value: value})
			response := d.post(t, tbsRequest(t, -1, false, d.certID(t, crypto.SHA1), nil, extension))
			got := word(response)
			if got == "good" && bytes.Equal(response.Nonce, nonce) {
				got = "echo"
			}
			if got != want {
				t.Errorf("%s: a nonce of %d octets gets %s (%x), want %s", policy, test.octets, got, response.Nonce, want)
			}
		}
	}
	d := newDesk(t, responder.Config{Nonce: responder.NonceRequired})
	if got := d.ask(t); got != "unauthorized" {
		t.Errorf("no nonce, but required: %s", got)
	}
}
