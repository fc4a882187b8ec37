// Package crl finds out from certificate revocation lists (RFC 5280 §5) whether
// certificates are revoked that have no OCSP responder to ask (V3).
//
// A Watcher pulls certificates from a Catalog. Those that name a CRL over http
// or https, and no responder, are checked: their list is fetched through
// netguard, verified, kept in memory as a compact set of serial numbers, stored,
// and read again before it ends. No handshake ever waits for it.
//
// One feed is one URL of one issuer, however many certificates name it: its
// list is fetched, verified and parsed once for all of them. Of several URLs in
// a certificate the first counts; a later one is read while those before it
// fail or do not cover the certificate.
//
// What is believed, by Read and then by the Watcher:
//
//   - A whole list in DER or PEM, of version 1 or 2, under the size limit:
//     malformed, too_large.
//   - One of the certificate's own issuer: its name, its key identifier if the
//     list has one, its signature, not made with MD5 or SHA-1, by a key that may
//     sign CRLs: wrong_certificate, bad_signature, unauthorized_signer.
//   - One whose critical extensions are understood, those of its entries
//     included. Delta and indirect CRLs are refused: critical_extension.
//   - One whose issuing distribution point takes in the certificate. For CA or
//     attribute certificates only, or with names of which the certificate has
//     none: wrong_certificate.
//   - One that has begun, give or take five minutes, and has not ended. A list
//     that does not say when it ends is refused: not_yet_valid, expired,
//     no_next_update.
//   - One that is not older than the one held, by thisUpdate or cRLNumber:
//     too_old. An ended list stands in the way of an older thisUpdate only, so
//     that a CA that lost count can go on.
//
// What comes of it:
//
//	list                                   certificate
//	covers it, does not list it            good, until nextUpdate
//	lists it, certificateHold too          revoked; Revocations hears of it (V1, V2)
//	a newer one no longer lists it,        good again; Revocations hears of it
//	  or only as removeFromCRL
//	for some reasons only, lists it not    as before: proves nothing (unknown)
//	unreachable, ended, refused            as before; a warning, and the reason in Status
//
// A revocation once seen lasts until a verified newer list lifts it: not the
// end of its list, not a restart with a dead server (the list is stored, and
// verified again by Load), and not a list from after the certificate's expiry,
// which need not name it any more. Where a list that says revoked cannot be
// stored, the older one that does not goes from storage: after a restart nothing
// is known then, and the list is read before anything counts as good.
package crl
