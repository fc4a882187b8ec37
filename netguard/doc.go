// Package netguard decides which addresses may be dialled on behalf of a
// certificate: its OCSP responders, CRL distribution points and issuer URLs.
//
// Those URLs come from certificates, and the redirects and DNS answers behind
// them from strangers, so without a guard a certificate could make its server
// talk to the metadata service of its cloud, or to the admin port next door.
// The guard checks the form of every URL and, after DNS, the very address that
// is dialled; nothing between the check and the connection can change it.
//
// Refused are the special-purpose networks of the table in networks.go, also
// when they hide inside an IPv6 address that carries an IPv4 one. Everything
// else is public and passes. Config.Allow opens what an operator names.
//
// What a guard cannot know is the private translation prefix of the network it
// runs in (RFC 6052 §2.2, network-specific prefixes): there the translator has
// to refuse private destinations, as RFC 6052 §5.1 asks of it.
package netguard
