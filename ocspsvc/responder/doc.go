// Package responder answers OCSP over HTTP (RFC 6960 appendix A, RFC 9919) for
// any ocspsvc.Source, such as its own Signer over records of certificates.
//
//	records := responder.NewMemory()
//	records.Set(responder.IssuerIDOf(issuer), leaf.SerialNumber, responder.Record{Status: ocspsvc.Good})
//	keys := responder.Keys{Authorities: []responder.Authority{{Issuer: issuer, Key: key}}}
//	signer, err := responder.NewSigner(responder.Config{}, keys, records, log)
//	…
//	http.Serve(listener, responder.Handler(signer, responder.Options{}))
//
// The handler has to be the server's handler itself, or be reached by a prefix
// that is compared with the escaped path: http.ServeMux would redirect a GET
// whose base64 has two slashes in a row.
package responder
