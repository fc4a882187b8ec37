// Package fault gives what goes wrong on the way to a responder or a CRL server
// its reason word, and reads how long they want to be left alone.
package fault
