// Package relays runs the OCSP relays of one process: each is the engine of
// ocspsvc/relay, which asks responders through a guard and keeps what they say
// in the storage of the process. A reload that says the same leaves it its
// memory.
package relays
