package stapler_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"iter"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
	"dwaar/tlsstore/storage"
)

// A program that has a GetCertificate of its own staples by three lines more.
func ExampleKeeper() {
	pair, err := tls.LoadX509KeyPair("example.com.pem", "example.com.key")
	if err != nil {
		return // no such files here
	}
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }}

	guard, err := netguard.New(netguard.Config{}) // public addresses only
	if err != nil {
		log.Fatal(err)
	}
	responders, err := client.New(client.Config{}, guard, slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	keeper, err := stapler.NewKeeper(stapler.KeeperConfig{}, responders, nil, slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	config.GetCertificate = keeper.GetCertificate(config.GetCertificate)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go keeper.Run(ctx)

	server := &http.Server{Addr: ":443", TLSConfig: config}
	log.Fatal(server.ListenAndServeTLS("", ""))
}

// pairs is the smallest possible catalog.
type pairs []*tls.Certificate

func (p pairs) Certificates() iter.Seq[stapler.Certificate] {
	return func(yield func(stapler.Certificate) bool) {
		for _, pair := range p {
			chain := pair.Certificate
			if !yield(stapler.Certificate{Fingerprint: sha256.Sum256(chain[0]), Chain: chain, Manual: true}) {
				return
			}
		}
	}
}

func (p pairs) Attach(leaf [32]byte, staple *stapler.Staple) {
	state := "has none"
	if staple != nil {
		state = "until " + staple.Until.Format("15:04")
	}
	fmt.Printf("staple of %x %s\n", leaf[:4], state)
}

// A server that owns its certificates is a Catalog. Its responder is whoever
// fetches; here nobody does.
func ExampleService() {
	dir, err := os.MkdirTemp("", "dwaar")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files, err := storage.NewFileSystem(dir)
	if err != nil {
		log.Fatal(err)
	}
	nobody := stapler.FetcherFunc(nil)
	service, err := stapler.New(stapler.Config{}, pairs{}, nobody, respstore.New(files, slog.Default()), slog.Default())
	if err != nil {
		log.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	if err := service.Load(ctx); err != nil { // stored staples, verified again
		log.Fatal(err)
	}
	service.Prime(ctx) // at most start_wait, for what is missing
	// Listen here.
	stop() // as SIGTERM would
	fmt.Println(service.Run(ctx))
	// Output: <nil>
}

// records answers from what a CA knows about its own certificates.
type records struct{ revoked []string }

func (r records) Respond(_ context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	if slices.Contains(r.revoked, req.CertIDs[0].Serial.String()) {
		fmt.Println("revoked") // a real one signs an answer that says so
	}
	return ocspsvc.ErrorResponse(ocspsvc.TryLater), nil
}

// A CA in the same process is a Source, and a stapler asks it without network.
func ExampleFromSource() {
	var source ocspsvc.Source = records{}
	keeper, err := stapler.NewKeeper(stapler.KeeperConfig{}, stapler.FromSource(source), nil, nil)
	fmt.Println(keeper != nil, err)
	// Output: true <nil>
}
