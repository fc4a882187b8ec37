package responder_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// The rules of CAs, and of staying up; their numbers are the project's.

func TestR17AnswersLastADayAndAreSignedAgainAtHalfOfIt(t *testing.T) { synctest.Test(t, r17) }

func r17(t *testing.T) {
	d := newDesk(t, responder.Config{})
	first := d.verify(t, d.post(t, requestDER(t, d.certID(t, crypto.SHA1))))
	if life := first.NextUpdate.Sub(first.ThisUpdate); life != 24*time.Hour {
		t.Errorf("life %v, want 24h", life)
	}
	time.Sleep(12*time.Hour - time.Second)
	if again := d.verify(t, d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))); !again.ThisUpdate.Equal(first.ThisUpdate) {
		t.Errorf("signed again after %v", again.ThisUpdate.Sub(first.ThisUpdate))
	}
	time.Sleep(time.Second)
	if again := d.verify(t, d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))); again.ThisUpdate.Sub(first.ThisUpdate) != 12*time.Hour {
		t.Errorf("not signed again: thisUpdate %v, first %v", again.ThisUpdate, first.ThisUpdate)
	}
	if got := d.signatures(t); got != 2 {
		t.Errorf("%d signatures, want 2", got)
	}
}

func TestR18WhatWasNeverIssuedIsNeverGood(t *testing.T) {
	long := new(big.Int).Lsh(big.NewInt(1), 8*63)
	for _, policy := range []responder.UnissuedPolicy{"", responder.UnissuedUnknown, responder.UnissuedUnauthorized, responder.UnissuedRevoked} {
		for _, nonce := range [][]byte{nil, make([]byte, 16)} {
			d := newDesk(t, responder.Config{Unissued: policy})
			minus := new(big.Int).Neg(d.leaf.Cert.SerialNumber)
			for _, serial := range []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(-1), minus, long, new(big.Int).Neg(long)} {
				for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
					id := d.serialID(t, serial, hash)
					if got := word(d.post(t, marshalRequest(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: nonce}))); got == "good" || got == "malformedRequest" {
						t.Errorf("%q: serial %x is %s", policy, serial, got)
					}
				}
			}
			twin := d.ca.Twin(t) // another key, the same name and the same serial
			id := d.certID(t, crypto.SHA1)
			theirs, err := ocspsvc.NewCertID(d.leaf.Cert, twin.Cert, crypto.SHA1)
			if err != nil {
				t.Fatal(err)
			}
			for _, ids := range [][]ocspsvc.CertID{{theirs}, {id, theirs}, {theirs, id}} {
				if got := word(d.post(t, requestDER(t, ids...))); got != "unauthorized" {
					t.Errorf("another CA's serial is %s", got)
				}
			}
		}
	}
}

func TestR18NegativeAndLongSerialsOfRecordsAreAnswered(t *testing.T) {
	d := newDesk(t, responder.Config{Unissued: responder.UnissuedUnauthorized})
	for _, serial := range []*big.Int{big.NewInt(-7), new(big.Int).Lsh(big.NewInt(1), 8*40), new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(3), 8*20))} {
		d.records.Set(d.id(), serial, responder.Record{Status: ocspsvc.Good})
		for range 2 {
			if got := word(d.post(t, requestDER(t, d.serialID(t, serial, crypto.SHA1)))); got != "good" {
				t.Errorf("serial %x is %s", serial, got)
			}
		}
		if got := word(d.post(t, requestDER(t, d.serialID(t, new(big.Int).Neg(serial), crypto.SHA1)))); got != "unauthorized" {
			t.Errorf("minus serial %x is %s", serial, got)
		}
	}
	tooLong := d.certID(t, crypto.SHA1)
	tooLong.Serial, tooLong.Raw = new(big.Int).Lsh(big.NewInt(1), 8*65), nil
	if got := word(d.post(t, requestDER(t, tooLong))); got != "malformedRequest" {
		t.Errorf("a serial of 66 octets gets %s", got)
	}
}

func TestR19DelegatesHaveTheirUsageNocheckAndDates(t *testing.T) {
	d := newDesk(t, responder.Config{})
	client := d.ca.Delegate(t, ocsptest.Modify(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
	early := d.ca.Delegate(t, ocsptest.Validity(time.Hour, 48*time.Hour))
	over := d.ca.Delegate(t, ocsptest.Validity(-48*time.Hour, -time.Hour))
	encipher := d.ca.Delegate(t, ocsptest.Modify(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }))
	for name, delegate := range map[string]*ocsptest.Leaf{"usage": client, "early": early, "over": over, "key usage": encipher} {
		if _, err := responder.NewSigner(responder.Config{}, keysOf(d.ca.Cert, delegate.Cert, delegate.Key), d.records, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, checked := range []bool{false, true} {
		delegate := d.ca.Delegate(t)
		if checked {
			delegate = d.ca.Delegate(t, ocsptest.Modify(func(c *x509.Certificate) { c.ExtraExtensions = nil }))
		}
		d.keys = keysOf(d.ca.Cert, delegate.Cert, delegate.Key)
		d.open(t, responder.Config{})
		if warned := strings.Contains(d.logged.String(), "nocheck"); warned != checked {
			t.Errorf("without nocheck %v, warned %v", checked, warned)
		}
	}
}

func TestR20AnIssuedCertificateIsKnownWithinMinutes(t *testing.T) { synctest.Test(t, r20) }

func r20(t *testing.T) {
	for _, policy := range []responder.UnissuedPolicy{responder.UnissuedUnknown, responder.UnissuedRevoked} {
		d := newDesk(t, responder.Config{Unissued: policy, Validity: 7 * 24 * time.Hour})
		d.set(responder.Record{})
		response := d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))
		if single := response.Singles[0]; single.Status == ocspsvc.Good || single.NextUpdate.Sub(single.ThisUpdate) > 15*time.Minute {
			t.Errorf("%s until %v", single.Status, single.NextUpdate.Sub(single.ThisUpdate))
		}
		d.set(responder.Record{Status: ocspsvc.Good})
		if got := d.ask(t); got != "good" {
			t.Errorf("issued now, %s", got)
		}
	}
}

func TestR21EveryReasonIsSaidAsRecorded(t *testing.T) {
	reasons := []ocspsvc.RevocationReason{
		ocspsvc.Unspecified, ocspsvc.KeyCompromise, ocspsvc.CACompromise, ocspsvc.AffiliationChanged, ocspsvc.Superseded,
		ocspsvc.CessationOfOperation, ocspsvc.CertificateHold, ocspsvc.PrivilegeWithdrawn, ocspsvc.AACompromise,
	}
	d := newDesk(t, responder.Config{})
	for i, reason := range reasons {
		serial := big.NewInt(int64(100 + i))
		d.records.Set(d.id(), serial, responder.Record{Status: ocspsvc.Revoked, RevokedAt: time.Now(), Reason: reason})
		if got := d.post(t, requestDER(t, d.serialID(t, serial, crypto.SHA1))).Singles[0].RevocationReason; got != reason {
			t.Errorf("reason %s, want %s", got, reason)
		}
	}
}

func TestR22NobodyWaitsTenSeconds(t *testing.T) { synctest.Test(t, r22) }

func r22(t *testing.T) {
	d := newDesk(t, responder.Config{})
	d.records.hangs.Store(true)
	for _, ids := range [][]ocspsvc.CertID{{d.certID(t, crypto.SHA1)}, {d.certID(t, crypto.SHA1), d.serialID(t, big.NewInt(4), crypto.SHA1)}} {
		time.Sleep(time.Minute)
		begun := time.Now()
		if got := word(d.post(t, requestDER(t, ids...))); got != "tryLater" {
			t.Errorf("a database that hangs: %s", got)
		}
		if took := time.Since(begun); took > 9*time.Second {
			t.Errorf("took %v", took)
		}
	}
}

func TestR23RequestsAreBounded(t *testing.T) {
	d := newDesk(t, responder.Config{})
	good := requestDER(t, d.certID(t, crypto.SHA1))
	many := func(n int, hash crypto.Hash) []byte {
		ids := make([]ocspsvc.CertID, n)
		for i := range ids {
			ids[i] = d.serialID(t, big.NewInt(int64(1000+i)), hash)
		}
		return requestDER(t, ids...)
	}
	notDER := append([]byte{0x30, 0x80}, append(bytes.Clone(good[2:]), 0, 0)...) // of indefinite length
	for _, test := range []struct {
		name string
		body []byte
		want string
	}{
		{"as many CertIDs as are answered", many(responder.DefaultCertIDs, crypto.SHA512), "unknown"},
		{"one more", many(responder.DefaultCertIDs+1, crypto.SHA1), "malformedRequest"},
		{"more than are read", many(ocspsvc.MaxCertIDs+1, crypto.SHA1), "malformedRequest"},
		{"a length of too many octets", append([]byte{0x30, 0x81}, good[1:]...), "malformedRequest"},
		{"an empty request", []byte{0x30, 0}, "malformedRequest"},
		{"trailing octets", append(bytes.Clone(good), 0), "malformedRequest"},
		{"half of it", good[:len(good)/2], "malformedRequest"},
		{"not DER", notDER, "malformedRequest"},
		{"nothing", nil, "malformedRequest"},
	} {
		if got := word(d.post(t, good)); got != "good" { // and what it is made from is in the cache
			t.Error(got)
		}
		if got := word(d.post(t, test.body)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if w := d.do(http.MethodPost, "/", many(10_000, crypto.SHA1), nil); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("10,000 CertIDs: HTTP %d, want 413", w.Code)
	}
	if w := d.do(http.MethodGet, "/"+base64.URLEncoding.EncodeToString(many(10_000, crypto.SHA1)), nil, nil); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("10,000 CertIDs by GET: HTTP %d, want 413", w.Code)
	}
	cut := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(bytes.NewReader(good), iotest.ErrReader(io.ErrUnexpectedEOF)))
	w := httptest.NewRecorder()
	if d.handler.ServeHTTP(w, cut); !bytes.Equal(w.Body.Bytes(), ocspsvc.MarshalError(ocspsvc.MalformedRequest)) {
		t.Errorf("a body that is cut off: % x", w.Body.Bytes())
	}
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace} {
		if w := d.do(method, "/", good, nil); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, POST" {
			t.Errorf("%s: HTTP %d", method, w.Code)
		}
	}
}

func TestR23AnAnswerThatNobodyCouldReadIsRefusedBeforeItIsSigned(t *testing.T) {
	cfg := responder.Config{ArchiveCutoff: time.Hour, Limits: responder.Limits{CertIDs: ocspsvc.MaxCertIDs}}
	d := newDesk(t, cfg)
	made := new(atomic.Int64)
	delegate := d.ca.Delegate(t, ocsptest.Key(ocsptest.RSA))
	d.keys = keysOf(d.ca.Cert, delegate.Cert, slowKey{Signer: delegate.Key, made: made})
	d.open(t, cfg)
	var ids []ocspsvc.CertID
	for i := range int64(ocspsvc.MaxCertIDs) {
		serial := big.NewInt(1000 + i)
		d.records.Set(d.id(), serial, responder.Record{Status: ocspsvc.Revoked, RevokedAt: time.Now(), Reason: ocspsvc.KeyCompromise})
		ids = append(ids, d.serialID(t, serial, crypto.SHA512))
	}
	refused := 0
	for n := 40; n <= len(ids) && len(requestDER(t, ids[:n]...)) <= ocspsvc.MaxRequestSize; n++ {
		before := made.Load()
		w := d.do(http.MethodPost, "/", requestDER(t, ids[:n]...), nil)
		response, err := ocspsvc.ParseResponse(w.Body.Bytes())
		if err != nil || w.Code != http.StatusOK || len(response.Singles) != n && word(response) != "malformedRequest" {
			t.Errorf("%d CertIDs: HTTP %d, %v", n, w.Code, err)
			continue
		}
		if word(response) == "malformedRequest" {
			refused++
			if made.Load() != before {
				t.Errorf("%d CertIDs: signed and not sent", n)
			}
		}
	}
	if refused == 0 || made.Load() < 5 {
		t.Errorf("%d refused, %d signed", refused, made.Load())
	}
}
