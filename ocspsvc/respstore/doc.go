// Package respstore keeps verified OCSP responses, in memory and in storage.
//
// One record belongs to one leaf, named by the SHA-256 of its DER (S5), and is
// stored as ocsp/<that hash in hex>. A record is written durably before memory
// shows it; where the write fails, memory shows it all the same (S14). What is
// read back is checked for damage, never trusted: whoever loads a record has
// to verify its response again.
package respstore
