package ocspsvc_test

import (
	"bytes"
	"crypto"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// FuzzParseRequest wants that reading never panics, that only DER is read, and
// that what was read can be written and read again without a change.
func FuzzParseRequest(f *testing.F) {
	leaf := ocsptest.NewCA(f).Leaf(f, ocsptest.Serial(5))
	for _, hash := range hashes() {
		id := newID(f, leaf, hash)
		f.Add(marshal(f, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}))
		f.Add(marshal(f, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id, id}, Nonce: []byte("0123456789abcdef")}))
		list := seq(seq(id.Raw, tlv(0xa0, seq(seq(tlv(6, []byte{0x2a, 3}), tlv(4))))))
		f.Add(seq(seq(tlv(0xa0, tlv(2, []byte{0})), tlv(0xa1, tlv(0x82, []byte("x"))), list), tlv(0xa0, seq())))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		req, err := ocspsvc.ParseRequest(der)
		if err != nil {
			if ocspsvc.ReasonOf(err) == "" {
				t.Errorf("error without reason: %v", err)
			}
			return
		}
		again, err := ocspsvc.ParseRequest(marshal(t, req))
		if err != nil {
			t.Fatalf("not read again: %v", err)
		}
		// The signature is not written.
		again.Signed, again.RawTBS, again.RawSignature = req.Signed, req.RawTBS, req.RawSignature
		if !reflect.DeepEqual(again, req) {
			t.Errorf("read again as\n%+v, first\n%+v", again, req)
		}
		for _, id := range req.CertIDs {
			if !bytes.Contains(der, id.Raw) {
				t.Errorf("CertID % x is not what was received", id.Raw)
			}
		}
		if _, err := ocspsvc.ParseRequest(append(bytes.Clone(der), 0)); err == nil {
			t.Error("a trailing octet is accepted")
		}
	})
}

// fuzzCA signs what was read, to see whether all of it was.
var fuzzCA = sync.OnceValue(func() *ocsptest.CA { return ocsptest.NewRoot(quiet{}, ocsptest.Key(ocsptest.Ed25519)) })

// quiet is enough of a testing.TB to make a CA outside of a test.
type quiet struct{ testing.TB }

func (quiet) Helper() {}

// FuzzParseResponse wants that reading never panics and keeps every octet, that
// what was read can be written and read again without a change, and that
// nothing which is not signed by the CA is believed.
func FuzzParseResponse(f *testing.F) {
	ca := ocsptest.NewCA(f)
	leaf, responder := ca.Leaf(f), ocsptest.NewResponder(f, ca)
	for _, fault := range ocsptest.Faults() {
		responder.Set(fault)
		if !fault.OverHTTP() && fault != ocsptest.Oversize && fault != ocsptest.OversizeChunked {
			f.Add(responder.DER(leaf))
		}
	}
	stranger := ocsptest.NewCA(f).Leaf(f)
	f.Fuzz(func(t *testing.T, der []byte) {
		response, err := ocspsvc.ParseResponse(der)
		if err != nil {
			if ocspsvc.ReasonOf(err) == "" {
				t.Errorf("error without reason: %v", err)
			}
			return
		}
		if !bytes.Equal(response.Raw, der) {
			t.Fatal("Raw is not what was received")
		}
		if verdict, err := ocspsvc.Verify(response, stranger.Cert, stranger.Issuer.Cert, time.Now(), ocspsvc.VerifyOptions{AllowNoNextUpdate: true}); err == nil || verdict.Valid() {
			t.Errorf("believed: %+v", verdict)
		}
		if response.ResponseStatus == ocspsvc.Successful {
			rewrite(t, response)
		}
	})
}

// rewrite signs the model that was read, reads it again and compares.
func rewrite(t *testing.T, r *ocspsvc.Response) {
	t.Helper()
	again, err := ocspsvc.Template{
		Singles: r.Singles, ProducedAt: r.ProducedAt, ResponderID: r.ResponderID, Certificates: r.Certificates, Nonce: r.Nonce, Extensions: r.Extensions,
	}.Sign(fuzzCA().Cert, fuzzCA().Key)
	if ocspsvc.ReasonOf(err) == ocspsvc.ReasonTooLarge {
		return
	}
	if err != nil {
		t.Fatalf("not read again: %v", err)
	}
	if len(r.Nonce) == 0 {
		r.Nonce = nil // one of no octets is not written
	}
	for _, pair := range [][2]any{
		{again.Singles, r.Singles}, {again.ProducedAt, r.ProducedAt}, {again.ResponderID, r.ResponderID},
		{len(again.Certificates), len(r.Certificates)}, {again.Nonce, r.Nonce}, {again.Extensions, r.Extensions},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("read again as\n%+v, first\n%+v", pair[0], pair[1])
		}
	}
}

func TestReadingUsesBoundedMemory(t *testing.T) {
	leaf := ocsptest.NewCA(t).Leaf(t)
	id := newID(t, leaf, crypto.SHA1)
	single := seq(seq(seq(id.Raw[4:11]), tlv(4), tlv(4), tlv(2, []byte{1})), tlv(0x80), tlv(24, []byte("20260102150405Z")))
	singles := bytes.Repeat(single, 16_000/len(single))
	algorithm := seq(tlv(6, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}))
	basic := seq(seq(tlv(0xa2, tlv(4, []byte{1})), tlv(24, []byte("20260102150405Z")), seq(singles)), algorithm, tlv(3, []byte{0}))
	der := seq(tlv(10, []byte{0}), tlv(0xa0, seq(tlv(6, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1}), tlv(4, basic))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ocspsvc.ParseResponse(der); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("reading %d octets takes %d octets of memory, want at most 1 MiB", len(der), got)
	} else {
		t.Logf("reading %d octets took %d octets of memory", len(der), got)
	}
}
