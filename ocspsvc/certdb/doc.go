// Package certdb keeps what a CA knows about its certificates, and reads it for
// an OCSP responder: in SQLite, PostgreSQL and MySQL or MariaDB, in a table of
// another responder, in the index.txt of openssl and in a CRL.
//
// Open opens any of them for reading, as responder.Records. Create and Use open
// one that is written to, a DB.
//
// What holds for all of them:
//
//   - A serial without a row is responder.ErrNoRecord, whoever asks.
//   - A row that contradicts itself, such as one that is good and has a
//     revocation time, is responder.ErrBadRecord.
//   - A row that is revoked and does not say when counts as revoked since it was
//     first seen. A DB keeps that time; what is only read has it until the
//     process ends.
//   - Times are in UTC, to the second. A revocation time that is there is never
//     changed.
//   - Every call has a time limit, besides its context's.
package certdb
