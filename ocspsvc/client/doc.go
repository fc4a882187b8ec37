// Package client asks OCSP responders about certificates and believes only
// answers that verify.
//
// One call of Fetch, or of Ask for who has only a CertID, is a round: at most eight HTTP requests, redirects
// included, all within Config.Timeout.
//
// Who is not asked: certificates with noRevAvail (RFC 9608), self-signed and
// expired ones, and those that the issuer given did not sign.
//
// The URLs of a round are those of the certificate's AIA extension, in its
// order, after Config.Overrides have replaced some. Every URL gets one address
// tried before any URL gets its second; so a dead URL, or a dead address, hides
// no other. Each attempt may use an equal share of the time that is left, the
// shares being the addresses not yet tried and the URLs not yet resolved. Every
// connection and every redirect goes through the guard, which refuses blocked
// addresses; no proxy of the environment is used.
//
// One attempt asks for exactly one CertID, without nonce:
//
//   - By the CertID hash that this responder answered last time, or else
//     Config.CertID. By the other hash when the responder refuses that one
//     (unauthorized, malformedRequest, an answer about another certificate, or
//     a verified unknown). SHA-1 comes first by default because TLS clients
//     match staples by it, although RFC 9919 prefers SHA-256 between client and
//     responder.
//   - By the method that worked last time, or else by GET if the URL with the
//     encoded request has at most 255 octets (RFC 5019 §5, RFC 9919 §5) and by
//     POST if it is longer. A URL with a query is asked by POST only, because
//     nothing says where a GET would put the request. The other method follows
//     when the answer is an HTTP error, no OCSP response or a dropped connection.
//   - Once more with Cache-Control: no-cache after a GET that brought an
//     expired response, which a cache may have kept (RFC 5019 §5).
//
// Redirects 301, 302, 307 and 308 are followed three times, with the method and
// body of the request; 303 only after a GET. A status other than 200 is a
// failure, whatever the body. The Content-Type is not judged: responders get it
// wrong, and a body that parses and verifies proves more; where the body does
// not parse, the error names it. Bodies are read up to 64 KiB; a response of
// more than ocspsvc.MaxResponseSize is refused.
//
// The round ends with the first verified good or revoked. After a verified
// unknown the other URLs are asked, and unknown is the result if none knows
// better. Otherwise the error is an *ocspsvc.Error with the reason word of the
// attempt that got furthest, and a *FetchError inside lists them all.
package client
