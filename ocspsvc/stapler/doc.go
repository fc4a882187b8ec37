// Package stapler keeps the OCSP staple of every certificate fresh.
//
// A Service pulls certificates from a Catalog and pushes staples to it: it asks
// for each in turn, verifies the answer itself whatever the Fetcher promises,
// stores it durably and only then attaches it. No handshake ever waits for it.
//
// What happens to the staple that a certificate has:
//
//	answer                         staple
//	good                           replaced, stored, attached (S4)
//	the same bytes again           kept, its age counted anew (S3)
//	good, thisUpdate ahead of now  attached from thisUpdate on, the old one until then (S3)
//	good, older than what is held  refused: nobody may turn the clock back
//	revoked                        removed at once, and stored, so that a restart knows it too
//	revoked, older than that       refused: a good one between the two would lift it
//	good, newer than the revoked   attached again: a hold was lifted
//	unknown, errors, garbage       kept until its own end (S4)
//	none at all                    kept until nextUpdate, the delegate's end or max_age (S3)
//
// "Older" and "newer" compare thisUpdate. A staple that has ended already does
// not stand in the way of an older one which is still valid; a revocation
// always does.
//
// With WithLeases several services over one storage share their answers: one of
// them asks, and the others take its answer over from storage, by the same
// table, except that they store nothing.
//
// A Keeper is the same for programs with a GetCertificate of their own.
package stapler
