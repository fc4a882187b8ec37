package main

type ocspCmd struct {
	Refresh ocspRefreshCmd `cmd:"" help:"Make the running dwaar ask for a staple now."`
	Fetch   ocspFetchCmd   `cmd:"" help:"Ask a certificate's responder, verify the answer, and write it for another server."`
	Verify  ocspVerifyCmd  `cmd:"" help:"Judge an OCSP response in a file."`
	Check   ocspCheckCmd   `cmd:"" help:"Judge the chain and the staple of a server, or ask about a chain in a file."`
}
