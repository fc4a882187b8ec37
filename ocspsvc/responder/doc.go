// Package responder answers OCSP over HTTP (RFC 6960 appendix A, RFC 9919) for
// any ocspsvc.Source, such as its own Signer over records of certificates.
//
//	records := responder.NewMemory()
//	records.Set(responder.IssuerIDOf(issuer), leaf.SerialNumber, responder.Record{Status: ocspsvc.Good})
//	keys := responder.Keys{Authorities: []responder.Authority{{Issuer: issuer, Key: key}}}
//	signer, err := responder.NewSigner(responder.Config{}, keys, records, log)
//	…
//	go signer.Run(ctx)
//	http.Serve(listener, responder.Handler(signer, responder.Options{}))
//
// The handler has to be the server's handler itself, or be reached by a prefix
// that is compared with the escaped path: http.ServeMux would redirect a GET
// whose base64 has two slashes in a row.
//
// # What a Signer promises
//
// It never says good about a serial that is not in the records, or whose record
// contradicts itself. What a record says is in the answers within a second after
// it can be read: an answer from the cache is only served while its record is
// what the database said less than a second ago. The one exception is a database
// that says nothing: answers are then served until their nextUpdate, as from any
// cache on the way, and what is not in the cache is answered by tryLater.
//
// What clients can make it do is bounded. One reading and one signature serve
// however many ask for the same at once. As many signatures are made at a time
// as there are processors, and the queue for them is bounded; when it is full,
// tryLater is the answer at once, while answers from the cache need no queue.
// Signatures about serials that were never issued have a rate, and leave nothing
// in memory.
package responder
