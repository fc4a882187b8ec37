// Package ocspsvc holds the words of OCSP: requests, responses, CertIDs,
// reasons and verdicts, their DER, and the one place that decides whether a
// response can be believed.
package ocspsvc
