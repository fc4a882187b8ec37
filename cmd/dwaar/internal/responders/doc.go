// Package responders runs the OCSP responders of one process: each is the engine
// of ocspsvc/responder over a database of ocspsvc/certdb. Other ones take their
// places while requests are served; what stays the same keeps its cache and its
// connections.
package responders
