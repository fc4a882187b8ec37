// User is a server of somebody else's that staples by dwaar's library: it wraps the
// GetCertificate it already has.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"dwaar/netguard"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/stapler"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(certFile, keyFile string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return err
	}
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }}

	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	guard, err := netguard.New(netguard.Config{Allow: []string{"127.0.0.1"}})
	if err != nil {
		return err
	}
	asker, err := client.New(client.Config{}, guard, log)
	if err != nil {
		return err
	}
	keeper, err := stapler.NewKeeper(stapler.KeeperConfig{}, asker, nil, log)
	if err != nil {
		return err
	}
	config.GetCertificate = keeper.GetCertificate(config.GetCertificate)
	kept := make(chan error)
	go func() { kept <- keeper.Run(ctx) }()

	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() { _ = http.Serve(listener, http.NotFoundHandler()) }()
	return <-kept
}
