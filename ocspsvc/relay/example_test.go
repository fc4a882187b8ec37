package relay_test

import (
	"context"
	"crypto"
	"fmt"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"dwaar/netguard"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
	"dwaar/ocspsvc/responder"
)

// Serve the answers of a private CA's responder from memory.
func Example() {
	issuerFile, url, leaf, done := aPrivateCA() // yours
	defer done()

	guard, err := netguard.New(netguard.Config{Allow: []string{"127.0.0.1"}}) // where that responder lives
	if err != nil {
		log.Fatal(err)
	}
	asker, err := client.New(client.Config{}, guard, nil)
	if err != nil {
		log.Fatal(err)
	}
	cfg := relay.Config{Issuers: []relay.Issuer{{Certificate: issuerFile, Responder: url}}}
	cache, err := relay.New(cfg, asker, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cache.Run(ctx) }()
	server := httptest.NewServer(responder.Handler(cache, responder.Options{}))
	defer server.Close()

	// Any OCSP client may ask it.
	response, err := asker.FetchFrom(ctx, leaf.Cert, leaf.Issuer.Cert, server.URL)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Singles[0].Status, response.Singles[0].CertID.Hash == crypto.SHA1)
	// Output: good true
}

// aPrivateCA has a responder on a loopback address.
func aPrivateCA() (issuerFile, url string, leaf *ocsptest.Leaf, done func()) {
	t := &exampleTB{}
	ca := ocsptest.NewCA(t)
	leaf = ca.Leaf(t)
	r := ocsptest.NewResponder(t, ca)
	server := httptest.NewServer(r)
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		log.Fatal(err)
	}
	issuerFile = filepath.Join(dir, "issuer.pem")
	if err := os.WriteFile(issuerFile, ocsptest.CertPEM(ca.Cert), 0o600); err != nil {
		log.Fatal(err)
	}
	return issuerFile, server.URL, leaf, func() {
		server.Close()
		r.Close()
		os.RemoveAll(dir)
	}
}

// exampleTB lets an example, which has no test of its own, use test helpers.
type exampleTB struct{ testing.TB }

func (*exampleTB) Helper()                   {}
func (*exampleTB) Cleanup(func())            {}
func (*exampleTB) Fatalf(f string, a ...any) { log.Fatalf(f, a...) }
