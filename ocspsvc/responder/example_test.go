package responder_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http/httptest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// A CA answers for what it has issued, and clients ask it by HTTP.
func Example() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ca := issue(&x509.Certificate{Subject: pkix.Name{CommonName: "example CA"}, IsCA: true, BasicConstraintsValid: true}, nil, key)

	records := responder.NewMemory()
	keys := responder.Keys{Authorities: []responder.Authority{{Issuer: ca, Key: key}}}
	signer, err := responder.NewSigner(responder.Config{Validity: 8 * time.Hour}, keys, records, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = signer.Run(ctx) }() // it has no error
	server := httptest.NewServer(responder.Handler(signer, responder.Options{}))
	defer server.Close()

	leaf := issue(&x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, OCSPServer: []string{server.URL}}, ca, key)
	records.Set(responder.IssuerIDOf(ca), leaf.SerialNumber, responder.Record{Status: ocspsvc.Good, Expires: leaf.NotAfter})
	id, _ := ocspsvc.NewCertID(leaf, ca, crypto.SHA256)
	response, err := signer.Respond(ctx, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}})
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict, err := ocspsvc.Verify(response, leaf, ca, time.Now(), ocspsvc.VerifyOptions{})
	fmt.Println(verdict.Status, err, signer.Ready())
	// Output: good <nil> <nil>
}

// issue makes a certificate; a nil issuer makes it self-signed.
func issue(template, issuer *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	if issuer == nil {
		issuer = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}
