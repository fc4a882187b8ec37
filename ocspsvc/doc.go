// Package ocspsvc holds the words of OCSP (RFC 6960, RFC 9919): requests,
// responses, CertIDs, reasons and verdicts; their DER; and Verify, the one
// place in dwaar that decides whether a response can be believed. It does no
// I/O: asking is the client's work, keeping the respstore's, serving the
// responder's.
//
// A client makes a request, and judges what comes back:
//
//	id, err := ocspsvc.NewCertID(leaf, issuer, crypto.SHA1)
//	der, err := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}).Marshal()
//	… // HTTP
//	response, err := ocspsvc.ParseResponse(body)
//	verdict, err := ocspsvc.Verify(response, leaf, issuer, time.Now(), ocspsvc.VerifyOptions{})
//
// What has no error can be believed, which does not make it good: Verdict.Status
// says good, revoked or unknown. What has one carries one of the contract's
// reason words (ReasonOf). A good response may be stapled, as the very bytes
// that were received (Response.Raw), while Verdict.Window contains the time.
//
// # What is refused
//
// Requests and responses are read as DER, whole, and not beyond MaxRequestSize
// and MaxResponseSize. A response with a certificate that cannot be read, or
// anything behind its end, is malformed: a client would refuse it as a staple.
// Verify refuses a response
//
//   - that is an error of the responder: responder_error;
//   - about another serial, or the same serial of another issuer, judged by both
//     hashes of the CertID, or with another nonce than was sent: wrong_certificate;
//   - whose signature does not verify, or is made with MD5 or SHA-1: bad_signature;
//   - signed by anybody but the issuer or a delegate that the issuer itself
//     certified for OCSPSigning, or by another than the ResponderID names:
//     unauthorized_signer;
//   - with an unknown critical extension: critical_extension;
//   - not for now, by thisUpdate, nextUpdate, the delegate's dates or the age
//     allowed, or produced outside the dates of leaf or delegate: not_yet_valid,
//     expired, too_old, no_next_update.
//
// It accepts what x/crypto/ocsp does not: an embedded issuer, delegates that
// are not the first certificate, RSA-PSS and Ed25519, several singles and
// CertIDs, and the critical SCT list of RFC 6962. A delegate without nocheck is
// accepted and noted in the verdict, since its own revocation is not checked.
package ocspsvc
