package client_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// Fetch the status of a certificate whose issuer is not at hand, and print it.
func Example() {
	leaf, done := certificateOfAPrivateCA() // yours: x509.ParseCertificate
	defer done()

	// The responder of this CA lives on a loopback address, which has to be
	// allowed by name. Those of public CAs need nothing.
	guard, err := netguard.New(netguard.Config{Allow: []string{"127.0.0.1"}})
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(client.Config{Timeout: 5 * time.Second}, guard, nil)
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	issuer, err := c.FetchIssuer(ctx, leaf)
	if err != nil {
		log.Fatal(err)
	}
	response, err := c.Fetch(ctx, leaf, issuer)
	if err != nil {
		log.Fatal(err)
	}

	// Fetch verified it already. Verify again to read it, as for one that comes
	// from a file.
	verdict, err := ocspsvc.Verify(response, leaf, issuer, time.Now(), ocspsvc.VerifyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verdict.Status)
	fmt.Println("valid for", verdict.NextUpdate.Sub(verdict.ThisUpdate))
	// Output:
	// good
	// valid for 168h0m0s
}

// An error has one of a fixed list of words, and says what to do.
func Example_refused() {
	leaf, done := certificateOfAPrivateCA()
	defer done()

	guard, err := netguard.New(netguard.Config{}) // nothing allowed
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(client.Config{}, guard, nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.FetchIssuer(context.Background(), leaf)

	var blocked *netguard.BlockedError
	fmt.Println(ocspsvc.ReasonOf(err), errors.As(err, &blocked))
	fmt.Println(blocked)
	// Output:
	// blocked_address true
	// address 127.0.0.1 is blocked (loopback); "allow 127.0.0.1" would open it
}

// certificateOfAPrivateCA makes a CA with a responder on loopback.
func certificateOfAPrivateCA() (leaf *x509.Certificate, done func()) {
	t := &exampleTB{}
	ca := ocsptest.NewCA(t)
	responder := httptest.NewServer(ocsptest.NewResponder(t, ca))
	issuers := httptest.NewServer(body(ca.Cert.Raw))
	leaf = ca.Leaf(t, ocsptest.OCSP(responder.URL), ocsptest.CAIssuers(issuers.URL+"/ca.cer")).Cert
	return leaf, func() { responder.Close(); issuers.Close() }
}

// exampleTB lets an example, which has no test of its own, use test helpers.
type exampleTB struct{ testing.TB }

func (*exampleTB) Helper()                   {}
func (*exampleTB) Cleanup(func())            {}
func (*exampleTB) Fatalf(f string, a ...any) { log.Fatalf(f, a...) }
