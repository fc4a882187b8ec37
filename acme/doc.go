// Package acme decides when certificates are obtained, renewed and replaced. How one is
// got is its Issuer's business, how one is served its user's; the Manager keeps one per
// name, in memory and through its Issuer in storage, and says when it has another.
//
// What fails is tried again, later and later (1 min … 6 h, sooner where little life is
// left), and the certificate there is stays. A revoked one goes: first its files into
// quarantine, then a new one with a new key (V1). All that touches a name in storage
// happens under that name's lock, and looks at what is stored first, so that several
// dwaars on one storage place one order (A6): who finds the lock taken comes back later, who
// has lost it changes nothing any more, and what another one has stored is served as soon as
// Stored says so. Without storage nothing is ordered, and what is served stays.
package acme
