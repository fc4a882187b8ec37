package responder_test

import (
	"crypto"
	"math/big"
	"net/http"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// FuzzSigner wants that no request makes a signer panic, answer what cannot be
// read, answer another than was asked, or call good what was never issued.
func FuzzSigner(f *testing.F) {
	d := newDesk(f, responder.Config{Limits: responder.Limits{CertIDs: ocspsvc.MaxCertIDs, UnissuedRate: 1_000_000}})
	id, other := d.certID(f, crypto.SHA1), d.serialID(f, big.NewInt(-5), crypto.SHA512)
	f.Add(requestDER(f, id))
	f.Add(requestDER(f, other, id, id))
	f.Add(marshalRequest(f, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: make([]byte, 32)}))
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		if len(der) > ocspsvc.MaxRequestSize {
			return
		}
		d.ask(t) // so that what is in the cache is tried too
		w := d.do(http.MethodPost, "/", der, nil)
		response, err := ocspsvc.ParseResponse(w.Body.Bytes())
		if err != nil || w.Code != http.StatusOK {
			t.Fatalf("HTTP %d, %v", w.Code, err)
		}
		req, err := ocspsvc.ParseRequest(der)
		if err != nil && response.ResponseStatus != ocspsvc.MalformedRequest {
			t.Fatalf("%v is answered by %s", err, response.ResponseStatus)
		}
		for _, single := range response.Singles {
			asked := false
			for _, id := range req.CertIDs {
				asked = asked || string(id.Raw) == string(single.CertID.Raw)
			}
			if good := single.Status == ocspsvc.Good; !asked || good != (single.CertID.Serial.Cmp(d.leaf.Cert.SerialNumber) == 0) {
				t.Fatalf("serial %x is %s, asked %v", single.CertID.Serial, single.Status, asked)
			}
		}
	})
}
