// Package relay is an ocspsvc.Source in front of the responders of CAs, for
// servers that staple badly by themselves or may not reach the Internet.
//
//	asker, err := client.New(client.Config{}, guard, log)
//	relay, err := relay.New(relay.Config{Issuers: […]}, asker, storage, log)
//	go relay.Run(ctx)
//	http.Serve(listener, responder.Handler(relay, responder.Options{}))
//
// # What is answered
//
// A request about one certificate, without nonce, is answered from memory, and
// by the very bytes that a responder has sent. GET and POST share one answer;
// CertIDs with different hashes do not, as clients compare them. What is not in
// memory is looked for in storage, and then asked of the responder: once, however
// many wait for it. Requests with a nonce, or about several certificates of one
// issuer, are passed on, and their answers are not kept.
//
// Which responder is asked is for the configuration to say, and for the AIA
// extensions of the certificates that it names; never for a client. CertIDs of
// other issuers are refused by ocspsvc.ErrNotOurs.
//
// # What is believed
//
// Nothing that ocspsvc.VerifyID refuses is passed on, kept, or taken from storage
// again. An answer that is older than the one at hand does not displace it, and
// only good and revoked displace anything. Unknown, and answers without
// nextUpdate, are held for a minute, to spare the responder.
//
// # When a responder is down
//
// Answers are served until their nextUpdate, after a restart too. They are asked
// for again daily, and hourly once half of their life is over, so that most of a
// life is left when an outage begins. After it, and for what is not there,
// tryLater is the answer: at once, while the responder is left alone, and
// otherwise within Config.Timeout.
//
// # What is bounded
//
// Answers in memory, by number and octets; answers in storage, by number; askers
// that wait; requests to one responder at a time, of which half are for what is
// missing and half for what gets old; and requests that are passed on.
package relay
