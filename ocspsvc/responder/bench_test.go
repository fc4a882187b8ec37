package responder_test

import (
	"crypto"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"net/http"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkCachedGet is an answer from the cache, from path to headers.
func BenchmarkCachedGet(b *testing.B) {
	d := newDesk(b, responder.Config{})
	r, err := http.NewRequest(http.MethodGet, "/"+base64.StdEncoding.EncodeToString(requestDER(b, d.certID(b, crypto.SHA1))), nil)
	if err != nil {
		b.Fatal(err)
	}
	w := discard{http.Header{}}
	d.handler.ServeHTTP(w, r)
	b.ReportAllocs()
	for b.Loop() {
		d.handler.ServeHTTP(w, r)
	}
	if d.signatures(b) != 1 {
		b.Errorf("%d signatures", d.signatures(b))
	}
}

// BenchmarkSigned is an answer that is signed for one request, by a delegate.
func BenchmarkSigned(b *testing.B) {
	for _, kind := range ocsptest.KeyTypes() {
		b.Run(string(kind), func(b *testing.B) {
			d := newDesk(b, responder.Config{})
			delegate := d.ca.Delegate(b, ocsptest.Key(kind))
			d.keys = keysOf(d.ca.Cert, delegate.Cert, delegate.Key)
			d.open(b, responder.Config{})
			id, nonce := d.certID(b, crypto.SHA1), make([]byte, 32)
			b.ReportAllocs()
			for b.Loop() {
				binary.BigEndian.PutUint64(nonce, uint64(b.N)+binary.BigEndian.Uint64(nonce))
				req := &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: nonce}
				answered(b, d, marshalRequest(b, req))
			}
		})
	}
}

// BenchmarkUnissued is what a serial that was never issued costs by default, and
// by policy unauthorized.
func BenchmarkUnissued(b *testing.B) {
	for _, policy := range []responder.UnissuedPolicy{responder.UnissuedUnknown, responder.UnissuedUnauthorized} {
		b.Run(string(policy), func(b *testing.B) {
			d := newDesk(b, responder.Config{Unissued: policy, Limits: responder.Limits{UnissuedRate: 1_000_000}})
			ders := make([][]byte, 1000)
			for i := range ders {
				ders[i] = requestDER(b, d.serialID(b, big.NewInt(int64(10+i)), crypto.SHA1))
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				answered(b, d, ders[i%len(ders)])
				i++
			}
		})
	}
}

func answered(b *testing.B, d *desk, der []byte) {
	b.Helper()
	if w := d.do(http.MethodPost, "/", der, nil); w.Code != http.StatusOK || w.Body.Len() < 5 {
		b.Fatalf("HTTP %d", w.Code)
	}
}
