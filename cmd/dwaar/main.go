// Command dwaar is a TLS-terminating reverse proxy that staples a fresh, verified
// OCSP response to every handshake that can have one.
package main

import "os"

func main() {
	os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
